"""Multi-Illumination images (MID) with the albedo of MIDIntrinsics.

Layout: `<scene>/dir_{0..24}_mip2.jpg` (25 flash directions) and `<scene>/albedo.exr`, the linear
albedo; scenes may stand below `train/` and `test/` as in the download. Scenes whose name starts
with `everett` are the official test scenes. The albedo is linear: no sRGB curve is undone.
`albedo.tif` (float RGB) is read too. Reading EXR needs the package OpenEXR.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

from livr.data.sources.folder import SourceInfo, read_splits_file, require, split_groups
from livr.errors import DataError

INFO = SourceInfo(
    name="Multi-Illumination images with MIDIntrinsics albedo",
    url="https://projects.csail.mit.edu/illumination/ and "
    "https://github.com/compphoto/MIDIntrinsics",
    licence="MID: CC-BY-4.0; MIDIntrinsics: academic use (see its repository)",
    layout=("<scene>/dir_0_mip2.jpg ... dir_24_mip2.jpg", "<scene>/albedo.exr"),
)
SHARES = {"train": 0.8, "val": 0.2}
TEST_PREFIX = "everett"
ALBEDO = ("albedo.exr", "albedo.tif")
Albedo = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """One scene. Pictures in order of the light's number."""

    folder: Path
    pictures: tuple[Path, ...]

    @property
    def key(self) -> str:
        """Name of the scene."""
        return self.folder.name


def read_scenes(folder: Path, split: str, seed: int) -> list[Scene]:
    """Lists the scenes of one split: `everett*` is test; train and val share the others.

    `splits.csv` (key: scene name) wins.

    Raises:
        DataError: No scene was found.
    """
    roots = [path for name in ("train", "test") if (path := folder / name).is_dir()] or [folder]
    for root in roots:
        require(root, INFO, "*/dir_*_mip2.jpg")
    found = {}
    for path in sorted(path for root in roots for path in root.iterdir() if path.is_dir()):
        pictures = sorted(path.glob("dir_*_mip2.jpg"), key=lambda p: int(p.name.split("_")[1]))
        if pictures and any((path / name).is_file() for name in ALBEDO):
            found[path.name] = Scene(path, tuple(pictures))
    if not found:
        raise DataError(f"{folder}: no scene has an albedo.exr beside its pictures; see {INFO.url}")
    fixed = read_splits_file(folder)
    names = [name for name in found if fixed or not name.startswith(TEST_PREFIX)]
    chosen = split_groups(names, seed, SHARES, fixed)
    for name in found:
        chosen.setdefault(name, "test" if not fixed else "")
    return [scene for name, scene in found.items() if chosen[name] == split]


def read_albedo(scene: Scene) -> Albedo:
    """Returns the linear albedo (H, W, 3).

    Raises:
        DataError: The file cannot be read, or OpenEXR is not installed.
    """
    path = next(scene.folder / name for name in ALBEDO if (scene.folder / name).is_file())
    try:
        pixels = _read_exr(path) if path.suffix == ".exr" else tifffile.imread(path)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    values = np.asarray(pixels, dtype=np.float32)
    if values.ndim != 3 or values.shape[2] < 3:
        raise DataError(f"{path}: expected three colours, found shape {values.shape}")
    return values[..., :3]


def _read_exr(path: Path) -> Albedo:
    try:
        open_exr = import_module("OpenEXR")
    except ImportError as error:
        raise DataError(f"{path}: install OpenEXR to read it: pip install OpenEXR") from error
    with open_exr.File(str(path)) as file:
        channels = file.channels()
        for name in ("RGB", "RGBA"):
            if name in channels:
                return np.array(channels[name].pixels, dtype=np.float32)
        return np.stack([np.array(channels[c].pixels, dtype=np.float32) for c in "RGB"], axis=2)
