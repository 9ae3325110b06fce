"""Lights prints of embedded photographs from several sides, in the layout of MID.

A print is a flat matt surface: what the camera sees is albedo times light. The albedo is the
photograph, smoothed into patches of one colour and made linear; the lights are soft falloffs,
gradients and shadows of one edge. Six of the 25 directions are written.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageFilter, ImageOps
from scipy import ndimage

from livr.data.pool import SPLITS, load_pool
from livr.data.pool.scenes import decode
from livr.data.sources.folder import write_splits_file

SIZE = (160, 120)
DIRECTIONS = (0, 4, 8, 12, 16, 20)
PATCHES = 9  # colours per picture
Floats = npt.NDArray[np.float64]


def write(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes one scene per photograph of the wanted splits."""
    used: list[tuple[str, str, Iterable[object]]] = []
    for split in SPLITS:
        if not sizes.get(split):
            continue
        rng = random.Random(f"pool lights {split} {seed}")
        entries = [entry for entry in load_pool(split) if not entry.has_alpha]
        for entry in rng.sample(entries, min(len(entries), max(6, sizes[split]))):
            scene = folder / f"{entry.kind}_{entry.name}"
            scene.mkdir()
            albedo_HW3 = print_albedo(decode(entry), rng)
            values = albedo_HW3.astype(np.float32)
            tifffile.imwrite(scene / "albedo.tif", values, photometric="rgb", metadata=None)
            for number in DIRECTIONS:
                picture = photograph(albedo_HW3, light_field(number, rng))
                picture.save(scene / f"dir_{number}_mip2.jpg", quality=92, subsampling=0)
            used.append((scene.name, split, [entry.group]))
    write_splits_file(folder, used)


def print_albedo(photo: Image.Image, rng: random.Random) -> Floats:
    """Returns a linear albedo (H, W, 3) between 0.03 and 0.9 made of even patches.

    Half of the prints hang upside down: otherwise bright would mean above.
    """
    cut = ImageOps.fit(photo, SIZE, Image.Resampling.LANCZOS)
    if rng.random() < 0.5:
        cut = cut.transpose(Image.Transpose.ROTATE_180)
    smooth = ImageOps.autocontrast(cut.filter(ImageFilter.MedianFilter(7)), cutoff=1)
    flat = smooth.quantize(PATCHES, dither=Image.Dither.NONE).convert("RGB")
    flat = flat.filter(ImageFilter.ModeFilter(5))
    linear_HW3 = (np.asarray(flat, dtype=np.float64) / 255) ** 2.2
    texture = 0.85 * linear_HW3 + 0.15 * (np.asarray(cut, dtype=np.float64) / 255) ** 2.2
    return 0.03 + 0.87 * texture


def light_field(number: int, rng: random.Random) -> Floats:
    """Returns the light (H, W) falling on the print from direction `number` of 25."""
    width, height = SIZE
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = 2 * np.pi * (number + rng.uniform(-0.5, 0.5)) / 25
    along = np.cos(angle) * xs + np.sin(angle) * ys
    field = 1.0 / (0.35 + (1.25 - along) ** 2)  # falloff from a lamp beyond the edge
    if rng.random() < 0.6:  # something stands in the light: a soft-edged shadow
        tilt = angle + rng.uniform(0.8, 2.3)
        edge = np.cos(tilt) * xs + np.sin(tilt) * ys + rng.uniform(-0.5, 0.5)
        field = field * (0.3 + 0.7 / (1 + np.exp(-edge * rng.uniform(6, 25))))
    field = ndimage.gaussian_filter(field, 1.0)
    return np.asarray(0.12 + field / field.mean(), dtype=np.float64)


def photograph(albedo_HW3: Floats, light_HW: Floats) -> Image.Image:
    """Exposes to a middle grey and applies the display curve."""
    scene = albedo_HW3 * light_HW[..., None]
    exposed = np.clip(scene * 0.28 / scene.mean(), 0, 1) ** (1 / 2.2)
    return Image.fromarray(np.round(exposed * 255).astype(np.uint8))
