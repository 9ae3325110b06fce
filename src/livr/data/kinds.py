"""What a file is that was meant as a picture and cannot be read as one."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from livr.data.example import ImageInput

_HEAD = 1024
_CONVERT = "convert it to JPEG or PNG"
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_VIDEO = (b"isom", b"iso2", b"mp41", b"mp42", b"M4V ", b"qt  ", b"avc1")
_BEGINNINGS = {
    b"%PDF-": f"is a PDF document; {_CONVERT}",
    b"%!PS": f"is a PostScript drawing; {_CONVERT}",
    b"\xff\x0a": f"is a JPEG XL picture; {_CONVERT}",
    b"\0\0\0\x0cJXL ": f"is a JPEG XL picture; {_CONVERT}",
    b"PK\x03\x04": "is a zip archive or an Office document; save the picture in it as JPEG or PNG",
    b"version https://git-lfs": "is a Git LFS pointer, not the picture; fetch it with git lfs pull",
}


def kind_of(head: bytes) -> str | None:
    """Says what a file is and what to do, going on after its name; None if it is not known.

    Args:
        head: The first bytes of the file; none of an empty one.

    >>> kind_of(b"%PDF-1.7")
    'is a PDF document; convert it to JPEG or PNG'
    """
    if not head:
        return "is an empty file; copy or save it again"
    if head[4:8] == b"ftyp":  # a box with four letters that say what is in the file
        brand = head[8:12]
        if brand in _HEIC:
            return f"is a HEIC picture; {_CONVERT}"
        return "is a video; save one frame as JPEG or PNG" if brand in _VIDEO else None
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "is a web page, perhaps an error message; download the picture again"
    if text.startswith(b"<") and b"<svg" in text:
        return f"is an SVG drawing; {_CONVERT}"
    return next((said for start, said in _BEGINNINGS.items() if head.startswith(start)), None)


def kind_of_file(image: ImageInput | io.BytesIO) -> str | None:
    """The same of a file or its bytes; None, too, of a picture in memory and if nothing is read."""
    if isinstance(image, Image.Image):
        return None
    if isinstance(image, io.BytesIO):
        return kind_of(image.getvalue()[:_HEAD])
    try:
        with Path(image).open("rb") as file:
            return kind_of(file.read(_HEAD))
    except (OSError, ValueError):
        return None
