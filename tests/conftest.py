"""Fixtures shared by all tests: tiny checkpoints are built once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import tiny


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
