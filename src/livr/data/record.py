"""One record of somebody else's format, turned into an example."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from livr.data.example import IMAGE_PLACEHOLDER, Example, ImageInput

USER, ASSISTANT = ("user", "human"), ("assistant", "gpt")
Record = dict[str, Any]


def to_example(record: Record, name: str, base: Path) -> Example:
    """Turns one record of any known form into an example.

    Args:
        record: The record.
        name: Id used if the record has none.
        base: Folder of relative image paths.

    Raises:
        ValueError: The record is of no known form; says what is wrong.
    """
    if not isinstance(record, dict):
        raise ValueError(f"expected an object, found {type(record).__name__}")
    if "question" in record:
        question, answer = str(record["question"]), str(record.get("answer", ""))
    else:
        question, answer = _exchange(record)
    value = record.get("images", record.get("image"))
    images = [] if value is None else value if isinstance(value, list) else [value]
    choices, board = record.get("choices"), record.get("board")
    group = record.get("score_group")
    return Example(
        id=str(record.get("id") or name),
        task=str(record.get("task") or "custom"),
        images=tuple(_image(image, base) for image in images),
        question=_tidy(question, len(images)),
        choices=tuple(str(choice) for choice in choices) if choices else None,
        answer=answer.strip(),
        helper_images=tuple(_image(image, base) for image in record.get("helper_images") or ()),
        board=tuple(str(row) for row in board) if board else None,
        score_group=None if group is None else str(group),
    )


def _exchange(record: Record) -> tuple[str, str]:
    turns = record.get("messages") or record.get("conversations")
    if not turns:
        raise ValueError("no question, messages or conversations in this row")
    texts = [
        (str(t.get("role", t.get("from"))), _text(t.get("content", t.get("value")))) for t in turns
    ]
    roles = [role for role, _ in texts]
    if len(texts) != 2 or roles[0] not in USER or roles[1] not in ASSISTANT:
        raise ValueError(f"expected one user turn and one assistant turn, found {', '.join(roles)}")
    return texts[0][1], texts[1][1]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = []
    for part in content or ():
        if part.get("type") == "text" or (part.get("text") and "type" not in part):
            parts.append(str(part["text"]))
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


def _image(value: Any, base: Path) -> ImageInput:
    if isinstance(value, Image.Image):
        return value
    if isinstance(value, str):
        return base / value
    if isinstance(value, dict) and value.get("bytes"):
        try:
            return Image.open(io.BytesIO(value["bytes"]))
        except UnidentifiedImageError as error:
            raise ValueError("the image bytes are not an image") from error
    if isinstance(value, dict) and value.get("path"):
        return base / str(value["path"])
    raise ValueError(f"an image is neither path nor bytes but {type(value).__name__}")
