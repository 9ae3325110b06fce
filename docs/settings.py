"""Fills docs/settings.md, the reference of all settings: python docs/settings.py

Reads `livr.config`, where each is declared with its text, and the shipped recipes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from benchmarks import replaced
from pydantic.fields import FieldInfo

from livr.config import Settings, TrainConfig, load_recipe
from livr.recipes import FOLDER

PAGE = Path(__file__).with_name("settings.md")
OWN = "run"
"""The block of what belongs to no group."""
NAMES = {int: "whole number", float: "number", str: "text", Path: "path", bool: "`true`, `false`"}
BOUNDS = {"ge": "from {}", "gt": "above {}", "le": " to {}", "lt": ", below {}"}


def groups() -> dict[str, type[Settings]]:
    """The settings that have settings inside."""
    kinds = {name: field.annotation for name, field in TrainConfig.model_fields.items()}
    return {n: k for n, k in kinds.items() if isinstance(k, type) and issubclass(k, Settings)}


def fields(block: str) -> dict[str, FieldInfo]:
    """The settings of a block, by the name that `--set` takes."""
    inside = groups()
    if block == OWN:
        return {n: f for n, f in TrainConfig.model_fields.items() if n not in inside}
    return {f"{block}.{name}": field for name, field in inside[block].model_fields.items()}


def kind(annotation: Any) -> str:
    """A type in words.

    >>> kind(tuple[float, ...]), kind(Literal["a", "b"]), kind(int | None)
    ('list of numbers', '`a`, `b`', 'whole number')
    """
    inside = [item for item in get_args(annotation) if item not in (NoneType, Ellipsis)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in inside)
    if get_origin(annotation) is tuple:
        return f"list of {kind(inside[0])}s"
    return NAMES[annotation] if not inside else kind(inside[0])


def bounds(field: FieldInfo) -> str:
    """What a number must not leave, in words; empty if it may be any."""
    return "".join(
        words.format(plain(getattr(rule, mark)))
        for mark, words in BOUNDS.items()
        for rule in field.metadata
        if hasattr(rule, mark)
    )


def plain(value: Any) -> str:
    """A value as `--set` takes it.

    >>> plain((4, 6)), plain(None), plain(False), plain(1e-4)
    ('[4, 6]', 'null', 'false', '0.0001')
    """
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(plain, value))}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def text(field: FieldInfo) -> str:
    """What a setting does, in one line; other pages are linked."""
    line = " ".join((field.description or "").split()).replace("|", "\\|")
    return re.sub(r"docs/(\w+)\.md", r"[\1](\1.md)", line)


def rows(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of texts."""
    cells = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def of_block(block: str) -> str:
    """The settings of a block: name, type, default, text."""
    lines = []
    for name, field in fields(block).items():
        takes = ", ".join(filter(None, (kind(field.annotation), bounds(field))))
        lines.append((f"`{name}`", takes, f"`{plain(field.default)}`", text(field)))
    return rows(("setting", "takes", "default", "what it does"), lines)


def flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by the name that `--set` takes."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def of_recipes() -> str:
    """What the shipped recipes set otherwise than the defaults, side by side."""
    files = sorted(FOLDER.glob("*.yaml"))
    found = {f"`{path.stem}`": dict(flat(load_recipe(path).model_dump())) for path in files}
    lines = [
        (f"`{name}`", f"`{plain(value)}`", *(f"`{plain(own[name])}`" for own in found.values()))
        for name, value in flat(TrainConfig().model_dump())
        if any(own[name] != value for own in found.values())
    ]
    return rows(("setting", "default", *found), lines)


def filled(page: str) -> str:
    """The page with its tables written anew."""
    for block in (OWN, *groups()):
        page = replaced(page, block, of_block(block))
    return replaced(page, "recipes", of_recipes())


def main() -> None:
    """Fill the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
