"""Ctrl-C at any moment: one line, exit status 130, and how to go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import tiny

from livr.cli import console, mini

Command = Callable[..., tuple[int, str, str]]

START = """
import os, signal, sys, time

# Whoever runs the tests in the background may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

class Import:
    def __init__(self, name):
        self.name = name
    def find_spec(self, name, *_):
        if name == self.name:
            self.name = None  # once: the last words import it, too
            ctrl_c()

{moment}

sys.argv = ["livr", "env"]
from livr.cli.main import main
main()
"""

MOMENTS = {
    "the first import": "sys.meta_path.insert(0, Import('typer'))",
    "the import of a verb": "sys.meta_path.insert(0, Import('livr.cli.env'))",
    "words are parsed": """
from livr.cli import verbs
verbs.LazyVerbs.make_context = lambda *_, **__: ctrl_c()
""",
    "an import that makes another error of it": """
from livr.cli import env
def verb():
    try:
        ctrl_c()
    except KeyboardInterrupt:
        raise ModuleNotFoundError("Could not import module 'BloomPreTrainedModel'.") from None
env.env = verb
""",
    "a class is made": """
import livr.errors  # If it were imported afterwards, its own classes would hide it.
from livr.cli import env
env.env = lambda: exec("ctrl_c()", globals())
""",
    "Python ends, for the second time": """
import gc
from livr.cli import env

class Last:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

sys.last = Last()
env.env = ctrl_c
""",
    "it was pressed before": """
from livr.cli import console, env
said = console.complain
def complain(message):
    os.kill(os.getpid(), signal.SIGINT)
    said(message)
    time.sleep(0.1)
console.complain, env.env = complain, ctrl_c
""",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_is_one_line_whenever_it_is_pressed(moment: str, tmp_path: Path) -> None:
    """With -m, as `python -m livr`: there Python ends in a way of its own."""
    (tmp_path / "start.py").write_text(START.format(moment=MOMENTS[moment]))
    command = [sys.executable, "-m", "start"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (130, "error: Stopped.\n", "")


def test_an_error_is_not_taken_for_ctrl_c_and_success_stays_one() -> None:
    for verb, code, words in (
        ("raise ZeroDivisionError", 1, "bug in livr"),
        ("sys.exit(2)", 2, ""),
        ("try:\n        ctrl_c()\n    except KeyboardInterrupt:\n        pass", 0, ""),
    ):
        moment = f"from livr.cli import env\ndef verb():\n    {verb}\nenv.env = verb"
        done = subprocess.run(
            [sys.executable, "-c", START.format(moment=moment)], capture_output=True, text=True
        )
        assert done.returncode == code and words in done.stderr and "Stopped" not in done.stderr


def test_a_command_says_how_to_go_on() -> None:
    for then in ("Say it again.", lambda: "Say it again."):
        with (
            pytest.raises(KeyboardInterrupt, match=r"^Say it again\.$"),
            console.when_stopped(then),
        ):
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt, match=r"^The same command goes on"), mini._watched(1, 1):
        raise KeyboardInterrupt


def stops(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("words", "then"),
    [
        (("ablate", "{grid}"), "Stopped. The same command goes on from what it had saved."),
        (("demo",), "Stopped. The same command goes on from what it had saved."),
        (("demo", "--overwrite"), "Stopped. Without --overwrite: The same command goes on from"),
        (("train", "sft", "--data", "{data}"), "Stopped. There was no checkpoint yet"),
    ],
)
def test_what_can_go_on_says_so(
    words: tuple[str, ...],
    then: str,
    tmp_path: Path,
    livr_command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = tiny.dataset(tmp_path / "data" / "one", train=2, val=2)
    grid = tmp_path / "grid.yaml"
    grid.write_text(f"tasks: [one]\ndata: {data.parent}\nvariants: [sft]\n")
    for place in ("ablate.run.prepare", "demo.run_demo"):
        monkeypatch.setattr(f"livr.analysis.{place}", stops)
    monkeypatch.setattr(sys.modules["livr.train.run"], "load_base", stops)
    given = [word.format(grid=grid, data=data) for word in words]
    code, _, said = livr_command(*given, "--out", tmp_path / "out")
    assert code == 130
    assert then in said


def test_closed_output_is_no_error() -> None:
    """As by `livr eval >&-`."""
    moment = """
from livr.cli import console, env
os.close(1)
sys.stdout = None
def verb():
    console.print_table(["a"], [["1"]])
    console.print_json({})
    with console.progress(1, "x") as advance:
        advance(1, "done")
env.env = verb
"""
    done = subprocess.run(
        [sys.executable, "-c", START.format(moment=moment)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "done" in done.stderr
