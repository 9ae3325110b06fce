"""What was asked, as hashes: other questions and pictures may have the same ids and answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from livr.data.example import Example, ImageInput
from livr.data.store import file_sha256
from livr.errors import DataError


def hashes(examples: Sequence[Example]) -> list[str]:
    """A hash of each question: its text, choices, right answer and board, and its pictures.

    Pictures count by the bytes of their files, wherever these lie; those without a file, as in
    BLINK, by their pixels. That is read in full, which takes little beside the answering.

    Args:
        examples: The questions.

    Returns:
        16 hex digits per question.

    Raises:
        DataError: A picture cannot be read.
    """
    known: dict[str, str] = {}
    return [_hash(example, known) for example in examples]


def _hash(example: Example, known: dict[str, str]) -> str:
    pictures = [_picture(image, known) for image in example.images]
    said = [example.question, example.choices, example.answer, example.board, pictures]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def _picture(image: ImageInput, known: dict[str, str]) -> str:
    if isinstance(image, Image.Image):
        about = f"{image.mode} {image.size} {image.getpalette()} "
        return hashlib.sha256(about.encode() + image.tobytes()).hexdigest()
    name = str(image)
    if name not in known:  # questions may share a picture
        try:
            known[name] = file_sha256(Path(image))
        except OSError as error:
            raise DataError(f"the picture {name} cannot be read: {error.strerror}") from error
    return known[name]
