"""README's table is that of the committed demo."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType


def test_the_readme_holds_what_was_measured(script: Callable[[str], ModuleType]) -> None:
    demo = script("demo")
    page = demo.PAGE.read_text(encoding="utf-8")
    assert demo.filled(page) == page, "run python docs/demo.py"
