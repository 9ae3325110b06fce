"""The keys of a row, as columns or JSON keys, and names that look like one by a slip of the pen."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from difflib import SequenceMatcher

CHAT = ("messages", "conversations")
KEYS = (
    "id",
    "task",
    "split",
    "image",
    "images",
    "question",
    "choices",
    "answer",
    "helper_images",
    "board",
    "score_group",
    "sources",
    *CHAT,
)
"""Everything that is read. Published data sets have many columns more."""
ORIGIN = "source"
"""Published data sets say so where a row comes from; only a list under it is meant as `sources`."""
_INSTEAD = {
    "image": ("images",),
    "images": ("image",),
    "question": CHAT,
    "answer": CHAT,
    "messages": ("conversations", "question"),
    "conversations": ("messages", "question"),
}
"""Key -> others that make it needless."""
_NEEDED = ("image", "images", "question", "answer")
_HARMLESS = ("id", "task")
"""Without these a row asks the same."""
_ALIKE, _LOOSELY = 0.8, 0.6
"""Least likeness. A row without a needed key is wrong anyway, so a far guess can only help."""


@functools.lru_cache(maxsize=4096)
def misspelt(names: tuple[str, ...], known: tuple[str, ...] = KEYS) -> tuple[str, ...]:
    """Says what is wrong with names that are not read but look like a key that is not there.

    Args:
        names: All names of a table or row.
        known: The keys that are read.

    >>> misspelt(("image", "question", "answer", "choice", "width"))
    ('"choice" is not read and there is no "choices"; rename it, or if it is none, call it ...',)
    """
    free = [
        key
        for key in known
        if key not in _HARMLESS and not {key, *_INSTEAD.get(key, ())} & set(names)
    ]
    found = []
    for name in names:
        likeness = {key: SequenceMatcher(None, name.strip().lower(), key).ratio() for key in free}
        near = [
            key
            for key, ratio in likeness.items()
            if ratio >= (_LOOSELY if key in _NEEDED else _ALIKE)
        ]
        if name not in known and near:
            key = max(near, key=lambda near_key: likeness[near_key])
            found.append(
                f'"{name}" is not read and there is no "{key}"; rename it, or if it is none, '
                "call it something less alike"
            )
    return tuple(found)


def repeated(names: Sequence[str]) -> list[str]:
    """Returns the names that occur more than once, blank ones aside."""
    return sorted({name for name in names if name.strip() and names.count(name) > 1})
