"""Pictures as files and as pixels: the one place that decodes them.

What is checked, compared and shown is what the model sees, because all of it comes from `read_rgb`.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from livr.data.example import ImageInput
from livr.data.rows import is_unicode, shortened
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
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


class PictureError(ValueError):
    """A picture cannot be used. Its text goes on after the picture's name: "is damaged: ..."."""


class PixelRangeError(OSError):
    """Nobody knows which value of a picture is white. An OSError, as Pillow's own errors are."""


def eight_bit(image: Image.Image) -> Image.Image:
    """Scales a picture of more than 8 bits per channel down to 8; returns any other as it is.

    Pillow cuts such values off at 255, which turns most of them white. The 16-bit modes span
    0 to 65535 and keep their high byte, as 16-bit colour does in Pillow. Modes I and F name no
    range: values within 0 to 255 stay, up to 65535 they count as 16 bits.

    Raises:
        PixelRangeError: The range of a mode I or F picture cannot be told.
    """
    if not image.mode.startswith("I;16") and image.mode not in ("I", "F"):
        return image
    values_HW = np.asarray(image)
    if image.mode in ("I", "F"):
        low, high = float(values_HW.min()), float(values_HW.max())
        # Floats up to 1 would all be black, and NaN compares false.
        if not (low >= 0 and high <= 65535) or (image.mode == "F" and 0 < high <= 1):
            raise PixelRangeError(
                f"its values go from {low:g} to {high:g}, so white is not known; "
                "save it with 8 or 16 bits per channel"
            )
        wide = high > 255
    else:
        wide = True
    bytes_HW = (values_HW.astype(np.uint16) >> 8 if wide else values_HW).astype(np.uint8)
    result = Image.fromarray(bytes_HW)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        result.putalpha(Image.fromarray(np.where(values_HW == clear, 0, 255).astype(np.uint8)))
    return result


@contextmanager
def _named_faults(image: ImageInput | io.BytesIO) -> Iterator[None]:
    """Whatever goes wrong in the block with a picture becomes a PictureError, with its PLACE."""
    place = image.info.get(PLACE) if isinstance(image, Image.Image) else None
    try:
        yield
    except PictureError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they stumble over
        raise PictureError(f"({place}) {_fault(error)}" if place else _fault(error)) from error


def _fault(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "is not an image file that can be read"
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
        return ImageOps.exif_transpose(image)
    except Exception:  # parsers of damaged metadata raise whatever they stumble over
        return image.copy()


def read_rgb(image: ImageInput | io.BytesIO) -> Image.Image:
    """Decodes a picture as the model sees it: upright (EXIF), RGB of 8 bits, clear is white.

    More than 8 bits per channel are scaled down, see `eight_bit`.

    Raises:
        PictureError: It cannot be used.
    """
    opened = open_picture(image)
    with _named_faults(image), nullcontext() if opened is image else opened:
        upright = eight_bit(_upright(opened))
        if "A" in upright.getbands() or "transparency" in upright.info:
            rgba = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        return upright.convert("RGB")


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


def path_problem(root: Path, image: str) -> str | None:
    """Says why an image path cannot be used, or None: empty, absolute, outside, missing."""
    if not image:
        return "an image path is empty"
    name = shortened(image)
    if "\0" in image:
        return f"image path {name!r} holds a zero byte"
    if not is_unicode(image):
        return f"image path {name} holds a lone surrogate, half of a character; mend it"
    if Path(image).is_absolute() or image.startswith(("~", "\\")) or image[1:3] in (":\\", ":/"):
        return f"image {name} is an absolute path; paths must be relative to the data set folder"
    inside = root.resolve()
    try:
        resolved = (root / image).resolve()
    except (OSError, RuntimeError) as error:
        return f"image {name} cannot be resolved: {getattr(error, 'strerror', error)}"
    if not resolved.is_relative_to(inside):
        how = "through a link" if ".." not in Path(image).parts else "through .."
        return f"image {name} leaves the data set folder {how}; copy the file into it"
    return file_problem(resolved, name)


def file_problem(path: Path, name: str) -> str | None:
    """Says why there is no such image file, or None.

    Args:
        path: The file.
        name: The path as the row has it, for the message.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):  # no text that a path can be
        slash = "; write its path with / instead of \\" if "\\" in path.name else ""
        return f"image {name} does not exist{slash}"
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return (
                f"image {name} is no path that can be used ({error.strerror}); a row names the "
                "image file, it does not hold it"
            )
        return f"image {name} cannot be read ({error.strerror}); see who may read its folder"
    return None if stat.S_ISREG(mode) else f"image {name} is not a file"


def inspect_picture(file: Path | io.BytesIO) -> tuple[str, str]:
    """Returns (what is wrong, "") or ("", hash of the pixels that the model sees)."""
    try:
        image = read_rgb(file)
    except PictureError as error:
        empty = isinstance(file, Path) and file.is_file() and not file.stat().st_size
        return "is an empty file" if empty else str(error), ""
    digest = hashlib.sha256(f"{image.width}x{image.height} ".encode())
    digest.update(image.tobytes())
    return "", digest.hexdigest()
