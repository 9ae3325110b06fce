"""Pictures and sources that are in two splits of a data set."""

from __future__ import annotations

from dataclasses import dataclass, field

from livr.errors import Problem

_LISTED = 5


@dataclass
class _Leak:
    """What is in a second split: the message, and the rows of that split that have it."""

    message: str
    rows: list[int] = field(default_factory=list)


class Leaks:
    """Remembers where everything was seen first. Splits are given one after the other."""

    def __init__(self) -> None:
        self._first: dict[str, tuple[str, str, str]] = {}
        self._found: dict[tuple[str, str], _Leak] = {}

    def see_picture(self, digest: str, image: str, split: str, row: int) -> None:
        """Notes that a row shows a picture.

        Args:
            digest: Hash of its pixels.
            image: Its name in the row.
            split: The split.
            row: 1-based line.
        """
        first = self._seen(f"picture {digest}", image, split, row)
        if first is None:
            return
        place, name = first
        same = "it" if name == image else f"the same picture, as {name},"
        message = f"image {image} is in two splits: {same} is already in {place}"
        self._leak(f"picture {digest}", message, split, row)

    def see_source(self, name: str, split: str, row: int) -> None:
        """Notes that a row names a source. Args are those of `see_picture`."""
        first = self._seen(f"source {name}", name, split, row)
        if first is not None:
            message = f"the source {name!r} is in two splits: it is already in {first[0]}"
            self._leak(f"source {name}", message, split, row)

    def _seen(self, key: str, name: str, split: str, row: int) -> tuple[str, str] | None:
        """Place and name of the first use, if that was in another split."""
        here = (split, f"{split}.jsonl:{row}", name)
        first_split, place, first_name = self._first.setdefault(key, here)
        return None if first_split == split else (place, first_name)

    def _leak(self, key: str, message: str, split: str, row: int) -> None:
        rows = self._found.setdefault((split, key), _Leak(message)).rows
        if row not in rows[-1:]:  # one row may show a picture twice
            rows.append(row)

    def problems(self, split: str) -> list[Problem]:
        """Returns one problem for all that a split has of another, at the first row that has it."""
        file = f"{split}.jsonl"
        return [
            Problem(
                file, leak.rows[0], f"{leak.message}; keep it in one split only{_more(leak.rows)}"
            )
            for (where, _), leak in self._found.items()
            if where == split
        ]


def _more(rows: list[int]) -> str:
    others = rows[1:]
    if not others:
        return ""
    shown = ", ".join(map(str, others[:_LISTED])) + (", ..." if len(others) > _LISTED else "")
    return f" ({len(others)} more row(s) of this file have it: {shown})"
