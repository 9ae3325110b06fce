"""`livr compare` and `livr report` on invented runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.analysis.synthetic import make_runs

from livr.cli import main as cli


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    make_runs(root, ("counting",), seeds=2)
    return root / "runs"


def livr(monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    monkeypatch.setattr("sys.argv", ["livr", *map(str, args)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_compare_prints_a_table_that_fits_a_terminal(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert livr(monkeypatch, "compare", runs) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if "%" in line][1:] == ["zero-shot", "direct", "LIVR"]
    assert not any("…" in line for line in lines)


def test_compare_prints_json(
    runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert livr(monkeypatch, "compare", runs, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["rows"]) == 5
    assert found["summary"]["reference"] == "sft"


def test_report_writes_one_file(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert livr(monkeypatch, "report", runs, "--out", tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verb", ["compare", "report"])
def test_a_wrong_folder_is_one_message(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", tmp_path / "r.html") if verb == "report" else ()
    assert livr(monkeypatch, verb, tmp_path / "nothing", *out) == 2
    assert capsys.readouterr().err.strip().endswith("is not a run folder")
    assert not list(tmp_path.iterdir())
