"""Fixtures shared by all tests: tiny checkpoints are built once; commands as they are typed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from livr.cli import main as cli
from tests import tiny

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`checkpoints(family, spare=0)`: the folder of a tiny random checkpoint."""
    made: dict[tuple[str, int], Path] = {}

    def get(family: str, spare: int = 0) -> Path:
        key = (family, spare)
        if key not in made:
            folder = tmp_path_factory.mktemp(f"{family}-{spare}")
            made[key] = tiny.checkpoint(family, folder, spare)
        return made[key]

    return get


@pytest.fixture
def livr_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """`livr_command("data", "check", folder)`: exit code, output and messages, in this process."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["livr", *map(str, words)])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run
