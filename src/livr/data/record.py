"""One record of somebody else's format, turned into an example."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from PIL import Image

from livr.data.columns import ORIGIN, misspelt
from livr.data.example import IMAGE_PLACEHOLDER, Example, ImageInput
from livr.data.inspection import inspect_picture
from livr.data.pictures import SUFFIXES, PictureError, open_picture
from livr.data.rows import shortened

USER, ASSISTANT = ("user", "human"), ("assistant", "gpt")
Record = dict[str, Any]
Look = Callable[[Path], tuple[str, str]]
"""Says what is wrong with a picture file, or else its hash, see `inspect_picture`."""


def to_example(
    record: Record,
    name: str,
    base: Path,
    unpack: Path | None = None,
    look: Look = inspect_picture,
) -> Example:
    """Turns one record of any known form into an example.

    Args:
        record: The record.
        name: Id used if the record has none.
        base: Folder of relative image paths.
        unpack: Folder for the files of images that come as bytes; None opens them in memory.
        look: Looks into these files.

    Raises:
        ValueError: The record is of no known form, or the bytes of an image cannot be read;
            says what is wrong.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, found {type(record).__name__}")
    keys = (key for key in record if key != ORIGIN or isinstance(record[key], list))
    if slips := misspelt(tuple(keys)):
        raise ValueError("; ".join(slips))
    turns = record.get("messages") or record.get("conversations")
    # A table has every column in every row: null means that this row is of the other form.
    if record.get("question") is None and (turns or "question" not in record):
        question, answer = _exchange(turns)
    else:
        question = _said(record["question"], "question")
        answer = _said(record.get("answer", ""), "answer")
    value = record.get("image") if record.get("images") is None else record["images"]
    images = [] if value is None else value if isinstance(value, list) else [value]
    helpers = _listed(record, "helper_images")
    identity, task, group = record.get("id"), record.get("task"), record.get("score_group")
    return Example(
        id=_said(identity, "id") if has_id(record) else name,
        task="custom" if task in (None, "") else _said(task, "task"),
        images=tuple(_image(image, base, unpack, look) for image in images),
        question=_tidy(question, len(images)),
        choices=tuple(_said(text, "choices") for text in _listed(record, "choices")) or None,
        answer=answer.strip(),
        helper_images=tuple(_image(image, base, unpack, look) for image in helpers),
        board=tuple(_said(line, "board") for line in _listed(record, "board")) or None,
        score_group=None if group is None else _said(group, "score_group"),
        sources=tuple(_said(name, "sources") for name in _listed(record, "sources")),
    )


def has_id(record: Record) -> bool:
    """Whether a record names itself."""
    return record.get("id") not in (None, "")


def _said(value: Any, key: str) -> str:
    """Text or a number, as text: str() of anything else would be asked or trained on."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float | Decimal) and math.isfinite(value):
        return _written(value)
    shown = "null" if value is None else shortened(repr(value))
    raise ValueError(f'"{key}" must be text or a number, found {shown}')


def _written(number: float | Decimal) -> str:
    """A number as people write it: 3 and 10000, not 3.0 and 1e+4."""
    text = format(number if isinstance(number, Decimal) else Decimal(repr(float(number))), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _listed(record: Record, key: str) -> Sequence[Any]:
    value = record.get(key)
    if value is None or value == "":
        return ()
    if not isinstance(value, list | tuple):
        raise ValueError(f'"{key}" must be a list, found {shortened(repr(value))}')
    return value


def _exchange(turns: Any) -> tuple[str, str]:
    if not turns:
        raise ValueError("no question, messages or conversations in this row")
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise ValueError(f"expected a list of turns, found {shortened(repr(turns))}")
    texts = [
        (str(t.get("role", t.get("from"))), _text(t.get("content", t.get("value")))) for t in turns
    ]
    roles = [role for role, _ in texts]
    shown = shortened(", ".join(roles))
    if len(texts) != 2 or roles[0] not in USER or roles[1] not in ASSISTANT:
        raise ValueError(f"expected one user turn and one assistant turn, found {shown}")
    return texts[0][1], texts[1][1]


def _text(content: Any) -> str:
    if not isinstance(content, list | tuple):
        return _said("" if content is None else content, "content")
    parts = []
    for part in content:
        if not isinstance(part, dict):
            raise ValueError(
                f'a part of "content" must be an object, found {shortened(repr(part))}'
            )
        if part.get("type") == "text" or (part.get("text") and "type" not in part):
            parts.append(_said(part.get("text"), "text"))
        elif str(part.get("type")).startswith("image"):
            parts.append(IMAGE_PLACEHOLDER)
        else:
            raise ValueError(f"content of type {part.get('type')!r} is not supported")
    return "".join(parts)


def _tidy(question: str, images: int) -> str:
    """Drops the marks if all images come first anyway: that is what no marks mean."""
    rest = question.strip()
    if rest.count(IMAGE_PLACEHOLDER) != images:
        return rest
    for _ in range(images):
        rest = rest.removeprefix(IMAGE_PLACEHOLDER).lstrip()
    return rest if IMAGE_PLACEHOLDER not in rest else question.strip()


def _image(value: Any, base: Path, unpack: Path | None, look: Look) -> ImageInput:
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, str):
        return base / value
    data = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(data, bytes) and data:
        return _from_bytes(data, unpack, look)
    if isinstance(value, dict) and value.get("path"):
        return base / str(value["path"])
    raise ValueError(f"an image is neither path nor bytes but {type(value).__name__}")


def _from_bytes(data: bytes, unpack: Path | None, look: Look) -> ImageInput:
    try:
        opened = open_picture(io.BytesIO(data))
    except PictureError as error:
        raise ValueError(f"an image in the row {error}") from error
    found: ImageInput = opened
    if unpack is None:
        problem, _ = inspect_picture(io.BytesIO(data))
    else:
        kind = opened.format or ""
        name = hashlib.sha256(data).hexdigest() + SUFFIXES.get(kind, f".{kind.lower()}")
        found = unpack / name
        if not found.exists():
            found.write_bytes(data)
        problem, _ = look(found)
    if problem:
        raise ValueError(f"an image in the row {problem}")
    return found
