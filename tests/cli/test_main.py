"""The command line as a whole: start-up, lazy verbs, exit codes."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import pytest
from safetensors import SafetensorError

import livr
from livr.cli import env, verbs
from livr.cli import main as cli
from livr.errors import ConfigError, DataError, Problem

HEAVY = {"torch", "transformers", "peft", "datasets", "numpy", "PIL", "matplotlib", "scipy"}


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "livr", *args], capture_output=True, text=True)


def imported(code: str) -> set[str]:
    """Top-level packages that a snippet imports, in a fresh interpreter."""
    code += "\nimport sys, json; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_verb_has_a_file() -> None:
    assert [verb for verb in verbs.VERBS if not verbs.find_spec(f"livr.cli.{verb}")] == []


def test_help_names_every_verb() -> None:
    listed = re.findall(r"^│ (\w+) +\w", run("--help").stdout, re.MULTILINE)
    assert tuple(listed) == verbs.VERBS


@pytest.mark.parametrize("args", [[], *[[verb] for verb in verbs.VERBS]], ids=str)
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = f"""
import sys
from livr.cli.verbs import app
try:
    app({args} + ["--help"])
except SystemExit as end:
    assert end.code == 0, end.code
"""
    assert not imported(code) & HEAVY


def test_help_is_quick() -> None:
    # Processor time, so that a busy machine does not matter.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run("--help").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_importing_livr_is_free() -> None:
    assert not imported("import livr; dir(livr); livr.__version__") & HEAVY


def test_the_public_names_exist() -> None:
    for name in livr.__all__:
        assert getattr(livr, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = livr.nonsense


def test_a_subpackage_never_hides_the_function_of_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(livr._PUBLIC, "data", "livr.cli.main")
    before = livr.__dict__.get("data")
    livr.data = ModuleType("livr.data")
    assert livr.__dict__.get("data") is before
    livr.other = ModuleType("livr.other")
    assert "other" in livr.__dict__
    del livr.other


def test_version_and_unknown_verbs() -> None:
    assert run("--version").stdout == f"livr {livr.__version__}\n"
    unknown = run("nonsense")
    assert unknown.returncode == 2
    assert "nonsense" in unknown.stderr and not unknown.stdout


@pytest.fixture
def livr_env(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """`livr_env(error)`: the exit code of `livr env` where that error stops the verb."""

    def stopped(error: BaseException) -> int:
        def verb() -> None:
            raise error

        monkeypatch.setattr(env, "env", verb)
        monkeypatch.setattr(sys, "argv", ["livr", "env"])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return int(end.value.code or 0)

    return stopped


_WRITING = "Error while serializing: I/O error"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ConfigError("no such setting: lora.rank"), 2, "error: no such setting: lora.rank\n"),
        (DataError("2 problems", [Problem("train.jsonl", 3, "x")]), 2, "train.jsonl:3: x"),
        (PermissionError(13, "Permission denied", "a"), 2, "a: Permission denied. Change its perm"),
        (OSError(28, "No space left on device", "a"), 2, "a: No space left on device. Make room"),
        (SafetensorError(f"{_WRITING}: No space left (os error 28)"), 2, "written: No space left"),
        (KeyboardInterrupt(), 130, "error: Stopped.\n"),
        (KeyboardInterrupt("Go on with x."), 130, "error: Stopped. Go on with x.\n"),
        (ZeroDivisionError("division by zero"), 1, "This is a bug in livr"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_clear_message(
    error: BaseException,
    code: int,
    words: str,
    livr_env: Callable[[BaseException], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("LIVR_DEBUG", raising=False)
    assert livr_env(error) == code
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == "" and "Traceback" not in printed.err


def test_a_bug_shows_its_traceback_on_request(
    livr_env: Callable[[BaseException], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVR_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        livr_env(ZeroDivisionError())
    assert livr_env(KeyboardInterrupt()) == 130


def test_env_prints_versions() -> None:
    fields = json.loads(run("env", "--json").stdout)
    assert fields["livr"] == livr.__version__
    assert {"torch", "transformers", "gpu"} <= fields.keys()
    assert f"livr          {livr.__version__}\n" in run("env").stdout


@pytest.mark.parametrize("sign", ["SIGTERM", "SIGINT"])
def test_a_scheduler_stops_a_command_as_ctrl_c_does(sign: str) -> None:
    """SIGTERM unwinds the command, so that whoever started processes can end them."""
    code = f"""
import os, signal, sys, time
from livr.cli import env, main as cli

# Whoever runs the tests in the background may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)

def verb():
    try:
        os.kill(os.getpid(), signal.{sign})
        time.sleep(60)
    finally:
        print("tidied up")

env.env = verb
sys.argv = ["livr", "env"]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 130
    assert done.stdout == "tidied up\n"
    assert done.stderr == "error: Stopped.\n"


@pytest.mark.parametrize(
    ("sign", "code", "words"), [("SIGTERM", 130, "Stopped."), ("SIGKILL", 1, "bug in livr")]
)
def test_a_scheduler_may_reach_the_process_that_loads_data_first(
    sign: str, code: int, words: str
) -> None:
    """Wherever the command is then, PyTorch interrupts it with an error of its own."""
    script = f"""
import os, signal, sys, time
from torch.utils.data import DataLoader, Dataset
from livr.cli import env, main as cli

class Stopped(Dataset):
    def __getitem__(self, step):
        if step == 2:
            time.sleep(0.5)
            os.kill(os.getpid(), signal.{sign})
        return step

def verb():
    loader = DataLoader(Stopped(), batch_size=None, sampler=range(9), num_workers=1)
    for step in loader:
        time.sleep(3)

env.env = verb
sys.argv = ["livr", "env"]
cli.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == code, done.stderr
    assert words in done.stderr
