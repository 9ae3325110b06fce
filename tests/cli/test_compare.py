"""`livr compare` and `livr report` on invented runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.analysis.synthetic import make_runs

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    make_runs(root, ("counting",), seeds=2)
    return root / "runs"


def test_compare_prints_a_table_that_fits_a_terminal(runs: Path, livr_command: Command) -> None:
    code, out, _ = livr_command("compare", runs)
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if "%" in line][1:] == ["zero-shot", "direct", "LIVR"]
    assert not any("…" in line for line in lines)


def test_compare_prints_json(runs: Path, livr_command: Command) -> None:
    code, out, _ = livr_command("compare", runs, "--json")
    assert code == 0
    found = json.loads(out)
    assert len(found["rows"]) == 5
    assert found["summary"]["reference"] == "sft"


def test_report_writes_one_file(runs: Path, tmp_path: Path, livr_command: Command) -> None:
    code, out, _ = livr_command("report", runs, "--out", tmp_path)
    assert (code, out) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("verb", ["compare", "report"])
def test_a_wrong_folder_is_one_message(verb: str, tmp_path: Path, livr_command: Command) -> None:
    out = ("--out", tmp_path / "r.html") if verb == "report" else ()
    code, _, err = livr_command(verb, tmp_path / "nothing", *out)
    assert code == 2
    assert err.strip().endswith("is not a run folder")
    assert not list(tmp_path.iterdir())
