"""Pictures looked into as a whole: whether they are sound, what they show, what to know of them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from livr.data.bits import Levels
from livr.data.pictures import PictureError, decode, open_picture

_PAGED = ("TIFF", "GIF", "WEBP", "PNG", "AVIF")
"""Formats whose further pages are pictures too; a phone's JPEG keeps previews there."""


class Inspected(NamedTuple):
    """What was found in a picture file.

    Attributes:
        fault: Why it cannot be used, going on after its name; empty if it can be.
        digest: Hash of the pixels that the model sees.
        size: Width and height as the model sees it, in pixels.
        levels: The values it holds, if it has more than 8 bits per channel.
        pages: Number of pages or frames, of which the first is read.
    """

    fault: str
    digest: str = ""
    size: tuple[int, int] = (0, 0)
    levels: Levels | None = None
    pages: int = 1


def inspect(file: Path | io.BytesIO) -> Inspected:
    """Decodes a picture and says what there is to be known of it."""
    try:
        rgb, levels = decode(file)
    except PictureError as error:
        return Inspected(str(error))
    return Inspected("", _digest(rgb), rgb.size, levels, _pages(file))


def inspect_picture(file: Path | io.BytesIO) -> tuple[str, str]:
    """Returns (what is wrong, "") or ("", hash of the pixels that the model sees)."""
    try:
        return "", _digest(decode(file).rgb)
    except PictureError as error:
        return str(error), ""


def _digest(rgb: Image.Image) -> str:
    digest = hashlib.sha256(f"{rgb.width}x{rgb.height} ".encode())
    digest.update(rgb.tobytes())
    return digest.hexdigest()


def _pages(file: Path | io.BytesIO) -> int:
    """Counted in a file opened anew, for counting moves on in it."""
    with open_picture(file) as opened:
        try:
            return int(getattr(opened, "n_frames", 1)) if opened.format in _PAGED else 1
        except Exception:  # the first picture is sound, and what is behind it is not read
            return 1
