"""`regions.jsonl`: boxes in the pictures of a data set, for `livr explain`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from livr.data.json_text import parsed, repeated_key
from livr.data.rows import shortened
from livr.errors import Problem

_WANTED = '{"id": ..., "image": 0, "box": [left, top, right, bottom]}'


class Region(NamedTuple):
    """A box in one picture of a question: left, top, right, bottom in pixels."""

    id: str
    image: int
    box: tuple[int, int, int, int]


def read_region_rows(
    path: Path, file: str, problems: list[Problem]
) -> Iterator[tuple[int, Region]]:
    """Yields (1-based line, region) of every well-formed line; blank lines are passed over.

    Args:
        path: The JSON-lines file.
        file: Its name in messages.
        problems: Receives one entry per malformed line.
    """
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            try:
                text = raw.decode("utf-8-sig")
                if not text.strip():
                    continue
                row, doubled = parsed(text)
                if twice := repeated_key(row, doubled):
                    problems.append(Problem(file, number, twice))
                    continue
                region = _region(row)
            except UnicodeDecodeError as error:
                message = f"not UTF-8 text (byte {error.start}); save the file as UTF-8"
                problems.append(Problem(file, number, message))
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                problems.append(Problem(file, number, f"expected {_WANTED}"))
            else:
                yield number, region


def box_problem(region: Region, size: tuple[int, int]) -> str | None:
    """Says why a box marks nothing, or None. What reaches out of the picture is cut off.

    Args:
        region: The box.
        size: Width and height of its picture as the model sees it, in pixels.
    """
    left, top, right, bottom = region.box
    place = f"the box {list(region.box)} of {shortened(region.id)!r}"
    if left >= right or top >= bottom:
        return (
            f"{place} has no area; write [left, top, right, bottom], with left < right and "
            "top < bottom"
        )
    width, height = size
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return (
            f"{place} lies outside its picture, which has {width} x {height} pixels; count pixels "
            "of the picture as it is stored in the data set, turned upright"
        )
    return None


def _region(row: Any) -> Region:
    if not isinstance(row, dict) or not isinstance(row["box"], list):
        raise TypeError
    left, top, right, bottom = (round(float(value)) for value in row["box"])
    return Region(str(row["id"]), int(row.get("image", 0)), (left, top, right, bottom))
