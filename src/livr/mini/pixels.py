"""From a picture to the vision tower's input, equal to what the saved image processor gives.

Written with numpy because the general processor costs more time than rendering the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from livr.mini.shape import IMAGE_MEAN, IMAGE_STD, PIXELS_PER_SIDE, MiniShape

MAX_PIXELS = PIXELS_PER_SIDE**2
MIN_PIXELS = MAX_PIXELS // 4


def target_size(width: int, height: int, cell: int) -> tuple[int, int]:
    """Width and height in pixels after the processor's resize (both divisible by `cell`)."""
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    h, w = smart_resize(height, width, factor=cell, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)
    return int(w), int(h)


def patches(image: Image.Image, numbers: MiniShape) -> tuple[NDArray[np.float32], int, int]:
    """Patches of one RGB picture.

    Returns:
        Array (rows * columns, 3 * 2 * patch * patch) and the grid's rows and columns.
    """
    size = target_size(image.width, image.height, numbers.cell)
    fitted = image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)
    pixels_HWC = np.asarray(fitted, dtype=np.float32) * np.float32(1 / 255)
    mean, std = (np.asarray(v, dtype=np.float32) for v in (IMAGE_MEAN, IMAGE_STD))
    pixels_HWC = (pixels_HWC - mean) / std
    p, m = numbers.patch, numbers.merge
    rows, columns = size[1] // p, size[0] // p
    cut = pixels_HWC.reshape(rows // m, m, p, columns // m, m, p, 3)
    cut = cut.transpose(0, 3, 1, 4, 6, 2, 5)[:, :, :, :, :, None]
    cut = np.broadcast_to(cut, (*cut.shape[:5], 2, p, p))
    return np.ascontiguousarray(cut.reshape(rows * columns, -1)), rows, columns
