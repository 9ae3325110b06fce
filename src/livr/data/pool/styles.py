"""Ten drawing and painting techniques, imitated by program on photographs.

Each takes and returns RGB of the same size. They stand in for the ten styles of ArtBench-10 in
the embedded data: real motifs, imitated techniques.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter, ImageOps
from scipy import ndimage

Rng = np.random.Generator
Style = Callable[[Image.Image, Rng], Image.Image]
Floats = npt.NDArray[np.float64]


def _floats(image: Image.Image) -> Floats:
    return np.asarray(image, dtype=np.float64)


def _picture(values: Floats) -> Image.Image:
    return Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8)).convert("RGB")


def _edges(image: Image.Image) -> Floats:
    """Strength of grey edges, 0 to 1."""
    grey = ndimage.gaussian_filter(_floats(image.convert("L")), 0.8)
    strength = np.hypot(ndimage.sobel(grey, 0), ndimage.sobel(grey, 1))
    return np.asarray(np.clip(strength / 200, 0, 1), dtype=np.float64)


def oil(image: Image.Image, rng: Rng) -> Image.Image:
    """Thick strokes: the most frequent colour around every pixel, with relief."""
    flat = image.filter(ImageFilter.ModeFilter(9))
    relief = ndimage.sobel(_floats(flat.convert("L")), 0) / 12
    return _picture(_floats(flat) * 1.05 + relief[..., None])


def watercolour(image: Image.Image, rng: Rng) -> Image.Image:
    """Pale, blurred colours on rough paper with darker rims."""
    soft = _floats(image.filter(ImageFilter.MedianFilter(7)).filter(ImageFilter.GaussianBlur(1.5)))
    paper = ndimage.gaussian_filter(rng.normal(0, 1, soft.shape[:2]), 1.0) * 18
    return _picture(140 + 0.48 * soft + paper[..., None] - 45 * _edges(image)[..., None])


def pencil(image: Image.Image, rng: Rng) -> Image.Image:
    """Grey lines on white."""
    grey = _floats(image.convert("L"))
    blurred = ndimage.gaussian_filter(255 - grey, 4)
    dodge = np.minimum(255, grey * 255 / np.maximum(255 - blurred, 1))
    return _picture(dodge * 0.9 + rng.normal(0, 6, grey.shape))


def charcoal(image: Image.Image, rng: Rng) -> Image.Image:
    """Dark, grainy, strongly contrasted grey with hatching."""
    grey = _floats(ImageOps.autocontrast(image.convert("L"), cutoff=3))
    ys, xs = np.mgrid[: grey.shape[0], : grey.shape[1]]
    hatch = 26 * np.sin((xs + ys) * 1.3)
    grain = rng.normal(0, 26, grey.shape)
    dark = np.clip(grey + hatch + grain, 0, 255)
    return _picture(255 * (dark / 255) ** 1.6 - 90 * _edges(image))


def dots(image: Image.Image, rng: Rng) -> Image.Image:
    """Pointillism: round dots of pure colour on a light ground."""
    step = 5
    source = _floats(image.filter(ImageFilter.BoxBlur(2)))
    height, width = source.shape[:2]
    ys, xs = np.mgrid[:height, :width]
    cy = np.minimum((ys // step) * step + step // 2, height - 1)
    cx = np.minimum((xs // step) * step + step // 2, width - 1)
    colour = source[cy, cx]
    vivid = colour.mean(axis=2, keepdims=True) + 1.8 * (colour - colour.mean(axis=2, keepdims=True))
    inside = (ys - cy) ** 2 + (xs - cx) ** 2 <= 5
    return _picture(np.where(inside[..., None], vivid, 238.0))


def woodcut(image: Image.Image, rng: Rng) -> Image.Image:
    """Black ink on cream paper, shades as horizontal lines."""
    grey = ndimage.gaussian_filter(_floats(ImageOps.equalize(image.convert("L"))), 1.0)
    rows = np.arange(grey.shape[0])[:, None]
    threshold = 128 + 85 * np.sin(rows * 2 * np.pi / 4)
    ink = (grey < threshold) | (_edges(image) > 0.75)
    return _picture(np.where(ink[..., None], [28.0, 24, 24], [240.0, 228, 200]))


def poster(image: Image.Image, rng: Rng) -> Image.Image:
    """Few flat, loud colours."""
    smooth = image.filter(ImageFilter.MedianFilter(5))
    flat = _floats(ImageOps.posterize(ImageOps.autocontrast(smooth, cutoff=2), 2))
    mean = flat.mean(axis=2, keepdims=True)
    return _picture(mean + 1.7 * (flat - mean) + 20)


def mosaic(image: Image.Image, rng: Rng) -> Image.Image:
    """Irregular tiles with dark joints."""
    height, width = image.height, image.width
    seeds = np.array(
        [
            (y + rng.uniform(-3, 3), x + rng.uniform(-3, 3))
            for y in range(4, height, 10)
            for x in range(4, width, 10)
        ]
    )
    marks = np.zeros((height, width), dtype=np.int64)
    at = np.clip(np.round(seeds), 0, [height - 1, width - 1]).astype(np.int64)
    marks[at[:, 0], at[:, 1]] = np.arange(1, len(at) + 1)
    nearest = ndimage.distance_transform_edt(
        marks == 0, return_distances=False, return_indices=True
    )
    tiles = marks[nearest[0], nearest[1]]
    source = _floats(image)
    index = np.arange(1, len(at) + 1)
    means = [ndimage.mean(source[..., c], tiles, index) for c in range(3)]
    colour = np.stack([np.concatenate([[0.0], m])[tiles] for m in means], axis=2)
    joint = (tiles != np.roll(tiles, 1, 0)) | (tiles != np.roll(tiles, 1, 1))
    return _picture(np.where(joint[..., None], 40.0, colour * 1.1))


def cyanotype(image: Image.Image, rng: Rng) -> Image.Image:
    """A blue photographic print."""
    grey = _floats(ImageOps.autocontrast(image.convert("L"), cutoff=2)) / 255
    dark, light = np.array([10.0, 40, 90]), np.array([225.0, 238, 245])
    return _picture(dark + grey[..., None] ** 0.9 * (light - dark))


def ink_wash(image: Image.Image, rng: Rng) -> Image.Image:
    """Flat tints with firm black outlines, as in prints from Japan."""
    smooth = image.filter(ImageFilter.MedianFilter(7))
    flat = _floats(smooth.quantize(7, dither=Image.Dither.NONE).convert("RGB"))
    warm = 0.55 * flat + 0.45 * np.array([232.0, 215, 175])
    line = ndimage.gaussian_filter(_edges(smooth), 0.5) > 0.3
    return _picture(np.where(line[..., None], 20.0, warm))


STYLES: dict[str, Style] = {
    style.__name__: style
    for style in (
        oil,
        watercolour,
        pencil,
        charcoal,
        dots,
        woodcut,
        poster,
        mosaic,
        cyanotype,
        ink_wash,
    )
}
