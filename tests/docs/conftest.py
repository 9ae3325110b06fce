"""The scripts of docs/ as modules: each test file asks for its own by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import docs/NAME.py."""
    monkeypatch.syspath_prepend(str(DOCS))
    return import_module
