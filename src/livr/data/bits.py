"""Pictures of more than 8 bits per channel: which value is white, and how 8 bits are made of them.

A picture is never stretched to its own darkest and brightest value: how bright it is may be what
a question asks. So 10 or 12 bits of a camera in a file of 16 bits come out almost black, and
`livr data check` says so. Files of mode I and F (32 bits) alone name no white: what is read of them
depends on whether a value exceeds 255, and `livr data check` says where a data set has both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from PIL import Image

WHITE = 65535
_DIM = 1 << 14
"""Cameras store up to 14 bits; whoever stores them as they are keeps below this."""
_DEEP_COLOUR = re.compile(r";16[BLN]")
"""How Pillow names samples of 16 bits in a file; BGR;16 is a colour of 16 bits in all."""
_NAMED = ("PPM", "PNG")
"""Formats whose files name their white: mode I is 16 bits there, in PNG up to Pillow 11."""


class PixelRangeError(OSError):
    """Nobody knows which value of a picture is white. An OSError, as Pillow's own errors are."""


class Levels(NamedTuple):
    """The values of a picture of more than 8 bits per channel.

    Attributes:
        highest: The largest one; of 16-bit colour, the largest that it can be.
        named: Whether the file says that white is WHITE.
    """

    highest: int
    named: bool

    @property
    def dim(self) -> bool:
        """Whether it is read as 16 bits and uses 14 of them at most."""
        return (0 if self.named else 255) < self.highest < _DIM


def is_deep_colour(opened: Image.Image) -> bool:
    """Whether an opened file, not yet loaded, has colours of 16 bits per channel.

    Pillow keeps their high byte and forgets that there was more.
    """
    return any(_DEEP_COLOUR.search(str(tile[-1])) for tile in getattr(opened, "tile", ()))


def _has_range(image: Image.Image) -> bool:
    """Whether white is known of a picture of more than 8 bits."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in _NAMED)


def levels(image: Image.Image, deep_colour: bool) -> Levels | None:
    """Returns the values of a picture as stored, or None if it has 8 bits per channel.

    Args:
        image: The picture.
        deep_colour: See `is_deep_colour`.
    """
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return Levels(int(np.asarray(image).max()), _has_range(image))
    if deep_colour and image.mode in ("L", "LA", "RGB", "RGBA"):
        highest = max(high for _, high in image.convert("RGB").getextrema())  # type: ignore[misc]
        return Levels(int(highest) << 8 | 255, True)
    return None


def eight_bit(image: Image.Image) -> Image.Image:
    """Scales a picture of more than 8 bits per channel down to 8; returns any other as it is.

    Pillow cuts such values off at 255, which turns most of them white. The 16-bit modes span
    0 to 65535 and keep their high byte, as 16-bit colour does in Pillow. So does mode I
    of a PGM file. Otherwise modes I and F name no range: values within 0 to 255 stay, up
    to 65535 they count as 16 bits.

    Raises:
        PixelRangeError: The range of a mode I or F picture cannot be told.
    """
    if not image.mode.startswith("I;16") and image.mode not in ("I", "F"):
        return image
    values_HW = np.asarray(image)
    wide = True
    if not _has_range(image):
        low, high = float(values_HW.min()), float(values_HW.max())
        # Floats up to 1 would all be black, and NaN compares false.
        if not (low >= 0 and high <= WHITE) or (image.mode == "F" and 0 < high <= 1):
            raise PixelRangeError(
                f"its values go from {low:g} to {high:g}, so white is not known; "
                "save it with 8 or 16 bits per channel"
            )
        wide = high > 255
    bytes_HW = (values_HW.astype(np.uint16) >> 8 if wide else values_HW).astype(np.uint8)
    result = Image.fromarray(bytes_HW)
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        result.putalpha(Image.fromarray(np.where(values_HW == clear, 0, 255).astype(np.uint8)))
    return result
