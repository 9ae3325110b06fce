"""`livr data`: what is asked before work begins, names that are no text, and being stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
SMALL = ("--train", 3, "--val", 2, "--test", 2)
ODD = os.fsdecode(b"f\xff")


@pytest.fixture
def run(livr_command: Run) -> Run:
    return partial(livr_command, "data")


@pytest.fixture
def jigsaw(run: Run, tmp_path: Path) -> Path:
    out = tmp_path / ODD
    assert run("build", "jigsaw", "--out", out, *SMALL)[0] == 0
    return out


def test_all_targets_are_asked_before_the_first_is_built(run: Run, tmp_path: Path) -> None:
    (tmp_path / "all/visual_similarity").mkdir(parents=True)
    (tmp_path / "all/visual_similarity/note").touch()
    code, _, said = run("build", "all", "--out", tmp_path / "all", *SMALL)
    assert (code, "visual_similarity exists and is not empty" in said) == (2, True)
    assert [path.name for path in (tmp_path / "all").iterdir()] == ["visual_similarity"]


@pytest.mark.parametrize("option", ["--source", "--prompts"])
@pytest.mark.parametrize("below", ["", "sub"])
def test_build_takes_no_input_away(run: Run, tmp_path: Path, option: str, below: str) -> None:
    given = tmp_path / "given"
    (given / "sub").mkdir(parents=True)
    (given / "sub/file").touch()
    code, _, said = run(
        "build", "jigsaw", option, given, "--out", given / below, "--overwrite", *SMALL
    )
    assert (code, "is read here and would be deleted" in said) == (2, True)
    assert (given / "sub/file").exists()


def test_a_name_that_is_no_text_is_no_bug(run: Run, jigsaw: Path, tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    code, _, said = run("show", jigsaw, "--out", shown)
    assert (code, said) == (0, "")
    assert r"f\xff, train" in (shown / "show-train.html").read_text()
    assert run("check", jigsaw)[0] == 0
    code, _, said = run("export", jigsaw, "--lmms-eval", "--out", tmp_path / f"{ODD}-task")
    assert (code, "choose another --out" in said) == (2, True)
    assert run("export", jigsaw, "--lmms-eval", "--out", tmp_path / "task")[0] == 0
    code, _, said = run("dedup", jigsaw, "--against", jigsaw, "--split", "test",
                        "--out", tmp_path / "clean")  # fmt: skip
    assert code == 0, said


def test_a_task_for_lmms_eval_does_not_replace_its_data(
    run: Run, jigsaw: Path, tmp_path: Path
) -> None:
    jigsaw = jigsaw.rename(tmp_path / "plain")
    for out in (jigsaw, jigsaw / "images" / "test"):
        code, _, said = run("export", jigsaw, "--lmms-eval", "--out", out, "--overwrite")
        assert (code, "would be deleted" in said) == (2, True)
    assert run("check", jigsaw)[0] == 0


STOPPED = """
import os, signal, sys
from pathlib import Path
from livr.cli import main as cli
from livr.data import convert

signal.signal(signal.SIGHUP, signal.{before})

def read_parts(*_):
    print(sorted(path.name[:3] for path in Path("a").iterdir()))
    os.kill(os.getpid(), signal.SIGHUP)
    raise convert.DataError("went on")

class Unpacked(convert.TemporaryDirectory):
    def __exit__(self, *error):
        os.kill(os.getpid(), signal.SIGHUP)  # shells send it again
        super().__exit__(*error)

convert.read_parts, convert.TemporaryDirectory = read_parts, Unpacked
sys.argv = ["livr", "data", "convert", "hf:x", "--out", "a/b"]
cli.main()
"""


@pytest.mark.parametrize(
    ("before", "code", "said"),
    [("SIG_DFL", 130, "error: Stopped.\n"), ("SIG_IGN", 2, "error: went on\n")],
)
def test_a_closed_terminal_leaves_nothing_behind(
    tmp_path: Path, before: str, code: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED.format(before=before)],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (code, said)
    assert done.stdout == "['.b-']\n"
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_text_are_printed() -> None:
    script = (
        "import sys, typer; from livr.cli import env, main as cli\n"
        "env.env = lambda: typer.echo('f\\udcff')\nsys.argv = ['livr', 'env']\ncli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env={
        **os.environ, "PYTHONIOENCODING": "utf-8:strict"})  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"f\\udcff\n"), done.stderr
