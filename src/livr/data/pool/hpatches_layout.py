"""Re-photographs embedded pictures from several viewpoints and in several lights: HPatches layout.

A picture is a flat scene, so every view of it is an exact homography. Views are turned, scaled,
tilted and shifted, so that a point is seldom found again at the same place of the picture. Every
fourth photograph gives an illumination sequence; unlike in HPatches the camera moves there too,
because with a fixed camera the place of a point tells where it is found again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from livr.data.pool import SPLITS, load_pool
from livr.data.pool.scenes import decode
from livr.data.sources.folder import write_splits_file
from livr.data.sources.hpatches import PICTURES, RELEASE

PLAIN = ("tool", "object", "music")  # too little to be found again
SIZE = (160, 120)
Matrix = npt.NDArray[np.float64]


def write(folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Writes one sequence per photograph of the wanted splits."""
    used: list[tuple[str, str, Iterable[object]]] = []
    for split in SPLITS:
        if not sizes.get(split):
            continue
        rng = random.Random(f"pool sequences {split} {seed}")
        entries = [e for e in load_pool(split) if not e.has_alpha and e.kind not in PLAIN]
        entries = rng.sample(entries, min(len(entries), max(6, sizes[split])))
        for index, entry in enumerate(entries):
            kind = "i" if index % 4 == 0 else "v"
            name = f"{kind}_{entry.kind}_{entry.name}"
            target = folder / RELEASE / name
            target.mkdir(parents=True)
            _write_sequence(target, decode(entry), kind == "v", rng)
            used.append((name, split, [entry.group]))
    write_splits_file(folder, used)


def _write_sequence(target: Path, photo: Image.Image, viewpoint: bool, rng: random.Random) -> None:
    base = _window(photo, rng)
    first = corners_to_photo(base)
    for number in PICTURES:
        to_photo = first
        if number > 1:
            to_photo = corners_to_photo(_moved(base, photo.size, rng))
        image = render(photo, to_photo)
        if not viewpoint and number > 1:
            image = relight(image, rng)
        image.save(target / f"{number}.ppm")
        if number > 1:
            np.savetxt(target / f"H_1_{number}", between(first, to_photo), fmt="%.9g")


def _window(photo: Image.Image, rng: random.Random) -> Matrix:
    """Four corners (x, y) of a section of the photograph in the shape of SIZE."""
    scale = min(photo.width / SIZE[0], photo.height / SIZE[1]) * rng.uniform(0.45, 0.55)
    width, height = SIZE[0] * scale, SIZE[1] * scale
    left, top = rng.uniform(0, photo.width - width), rng.uniform(0, photo.height - height)
    return np.array(
        [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    )


def _moved(base: Matrix, size: tuple[int, int], rng: random.Random) -> Matrix:
    """Turns, scales, shifts and tilts the section, inside the photograph."""
    centre = base.mean(axis=0)
    extent = base.max(axis=0) - base.min(axis=0)
    limit = np.array(size, dtype=np.float64)
    for attempt in range(200):
        strength = 1.0 - attempt / 200
        angle = np.radians(rng.uniform(-35, 35) * strength)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        shift = np.array([rng.uniform(-0.4, 0.4), rng.uniform(-0.4, 0.4)]) * extent * strength
        tilt = np.array([(rng.uniform(-1, 1), rng.uniform(-1, 1)) for _ in range(4)])
        scale = 1 + rng.uniform(-0.25, 0.25) * strength
        moved = (base - centre) @ turn * scale + centre + shift + 0.06 * strength * tilt * extent
        if (moved >= 0).all() and (moved <= limit).all():
            return np.asarray(moved, dtype=np.float64)
    return base


def corners_to_photo(corners: Matrix) -> Matrix:
    """Returns the homography from a picture of size SIZE to the photograph (pixel edges)."""
    width, height = SIZE
    rows, values = [], []
    for (x, y), (u, v) in zip(
        [(0, 0), (width, 0), (width, height), (0, height)], corners, strict=True
    ):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solution = np.linalg.solve(np.array(rows, dtype=np.float64), np.array(values))
    return np.append(solution, 1.0).reshape(3, 3)


def render(photo: Image.Image, to_photo: Matrix) -> Image.Image:
    """Takes the picture."""
    coefficients = (to_photo / to_photo[2, 2]).ravel()[:8].tolist()
    return photo.transform(
        SIZE, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC
    )


def between(first: Matrix, other: Matrix) -> Matrix:
    """Returns the map from px of the first picture to px of another (pixel centres)."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    matrix = np.linalg.inv(half) @ np.linalg.inv(other) @ first @ half
    return np.asarray(matrix / matrix[2, 2], dtype=np.float64)


def relight(image: Image.Image, rng: random.Random) -> Image.Image:
    """Changes exposure, colour of the light, and adds a soft gradient of light."""
    rgb_HW3 = np.asarray(image, dtype=np.float64) / 255
    linear = rgb_HW3**2.2 * rng.uniform(0.4, 1.5)
    linear = linear * np.array([rng.uniform(0.75, 1.25), 1.0, rng.uniform(0.75, 1.25)])
    ys, xs = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0.2, 0.7)
    light = 1 + slope * (np.cos(angle) * xs + np.sin(angle) * ys) / 1.4
    result = np.clip(linear * light[..., None], 0, 1) ** (1 / 2.2)
    return Image.fromarray(np.round(result * 255).astype(np.uint8))
