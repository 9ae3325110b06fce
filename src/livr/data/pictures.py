"""Pictures as files and as pixels: the one place that decodes them.

What is checked, compared and shown is what the model sees, because all of it comes from `read_rgb`.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from livr.data.bits import Levels, PixelRangeError, eight_bit, is_deep_colour, levels
from livr.data.example import ImageInput
from livr.data.kinds import kind_of_file
from livr.errors import DataError

MAX_PIXELS = 89_478_485
"""Largest accepted picture, Pillow's own limit against decompression bombs."""
SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "BMP": ".bmp",
    "GIF": ".gif",
}
PLACE = "livr:place"
"""Entry of a picture's `info` that says where its bytes stand: it has no file to be named by."""
_DIM = (
    "a picture of 16 bits per channel uses the lowest 14 of them at most and is read as almost "
    "black; livr data check counts such pictures and says what to do"
)
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


class PictureError(ValueError):
    """A picture cannot be used. Its text goes on after the picture's name: "is damaged: ..."."""


@contextmanager
def _named_faults(image: ImageInput | io.BytesIO) -> Iterator[None]:
    """Whatever goes wrong in the block with a picture becomes a PictureError, with its PLACE."""
    place = image.info.get(PLACE) if isinstance(image, Image.Image) else None
    try:
        yield
    except PictureError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        fault = kind_of_file(image) or _fault(error)
        raise PictureError(f"({place}) {fault}" if place else fault) from error


def _fault(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is not an image file that can be read; save it as JPEG or PNG"
    if isinstance(error, PixelRangeError):
        return f"cannot be used: {error}"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"is huge: at most {MAX_PIXELS:,} pixels are read; scale it down"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    return f"is damaged: {str(error) or type(error).__name__}"


def open_picture(image: ImageInput | io.BytesIO) -> Image.Image:
    """Opens a picture without decoding it; one in memory comes back as it is.

    Raises:
        PictureError: It is no picture, or has more than MAX_PIXELS.
    """
    with _named_faults(image):
        opened = image if isinstance(image, Image.Image) else Image.open(image)
        width, height = opened.size
        if width * height > MAX_PIXELS:
            if opened is not image:
                opened.close()
            raise PictureError(
                f"is huge: {width} x {height} pixels, at most {MAX_PIXELS:,} are read; "
                "scale it down"
            )
        return opened


def _upright(image: Image.Image) -> Image.Image:
    """Turned as EXIF says. Metadata that cannot be read says nothing."""
    image.load()  # damage to the pixels is not hidden below
    try:
        turned = ImageOps.exif_transpose(image)
    except Exception:  # parsers of damaged metadata raise whatever they stumble over
        turned = image.copy()
    turned.format = image.format  # a copy forgets it, and `eight_bit` asks
    return turned


class Decoded(NamedTuple):
    """A picture as the model sees it.

    Attributes:
        rgb: Its pixels.
        levels: The values that it had, if it had more than 8 bits per channel.
    """

    rgb: Image.Image
    levels: Levels | None


def decode(image: ImageInput | io.BytesIO) -> Decoded:
    """Decodes a picture as the model sees it: upright (EXIF), RGB of 8 bits, clear is white.

    More than 8 bits per channel are scaled down, see `livr.data.bits.eight_bit`.

    Raises:
        PictureError: It cannot be used.
    """
    opened = open_picture(image)
    with _named_faults(image), nullcontext() if opened is image else opened:
        deep_colour = is_deep_colour(opened)
        upright = eight_bit(_upright(opened))
        stored = levels(opened, deep_colour)
        if "A" in upright.getbands() or "transparency" in upright.info:
            rgba = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        return Decoded(upright.convert("RGB"), stored)


def read_rgb(image: ImageInput | io.BytesIO) -> Image.Image:
    """Returns the pixels of `decode`, and warns once if a picture of 16 bits is almost black.

    Raises:
        PictureError: It cannot be used.
    """
    rgb, stored = decode(image)
    if stored is not None and stored.dim:
        warnings.warn(_DIM, stacklevel=2)  # the same words each time, so they are shown once
    return rgb


def open_rgb(image: ImageInput) -> Image.Image:
    """Decodes a picture as the model sees it, see `read_rgb`.

    Raises:
        DataError: It cannot be used; names the file, or the PLACE of one in memory.
    """
    try:
        return read_rgb(image)
    except PictureError as error:
        name = "" if isinstance(image, Image.Image) else f"{image} "
        raise DataError(f"the image {name}{error}") from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Returns a source's picture as RGB of 8 bits, not turned: annotations count pixels as stored.

    Raises:
        OSError: The file is damaged, or see `eight_bit`.
    """
    return eight_bit(image).convert("RGB")


def jpeg_uri(image: Image.Image) -> str:
    """Returns an RGB picture as the `data:` address of a JPEG, for a page that needs no files."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def storable(image: Image.Image) -> Image.Image:
    """Returns the picture upright and in a mode that PNG has; most come back as they are.

    Raises:
        PictureError: It cannot be used.
    """
    with _named_faults(image):
        result = eight_bit(_upright(image))
        if result.mode in _PNG_MODES:
            return result
        result = result.convert("RGBA" if result.mode in ("PA", "La", "RGBa") else "RGB")
        result.info.pop("icc_profile", None)  # it describes the colours before
        return result
