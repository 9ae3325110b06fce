"""Runs to export: trained for a moment, far enough from the base to tell them apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from livr.config import TrainConfig
from livr.export import fresh, verify
from livr.train.run import train
from tests import tiny


@pytest.fixture(scope="session")
def trained(checkpoints, tmp_path_factory) -> Callable[..., Path]:
    """`trained(family, spare=0, method="livr", **settings)`: the folder of a finished run."""
    made: dict[str, Path] = {}

    def get(family: str, spare: int = 0, method: str = "livr", **settings: Any) -> Path:
        key = repr((family, spare, method, sorted(settings.items())))
        if key not in made:
            folder = tmp_path_factory.mktemp("run")
            values: dict[str, Any] = {
                "method": method,
                "epochs": [3, 3] if method == "livr" else [6],
                "model": str(checkpoints(family, spare)),
                "data": tiny.dataset(folder / "data"),
                "out": folder / "run",
                "latents": {"num": 4},
                "checkpoint": "last",
                "optim": {"lr": 2e-2, "batch_size": 4},
            }
            made[key] = train(TrainConfig.model_validate(values | settings)).path
        return made[key]

    return get


@pytest.fixture
def in_process(monkeypatch) -> None:
    """Let the comparison run in this process: much quicker, where a process is not the point."""
    compare_in_process(monkeypatch)


def compare_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for fixtures that live longer than a test."""

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        fresh.main(command[3:])
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(verify, "subprocess", SimpleNamespace(run=run))
