"""HPatches sequences: six pictures of a flat scene each, with homographies.

Layout as published: `hpatches-sequences-release/{i_*,v_*}/{1..6}.ppm` and the text files
`H_1_2` to `H_1_6`, 3 x 3, mapping px of picture 1 to px of picture j. `i_` sequences change in
illumination, `v_` sequences in viewpoint. The folder may also be given directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from livr.data.sources.folder import SourceInfo, read_splits_file, require, split_groups
from livr.errors import DataError

INFO = SourceInfo(
    name="HPatches",
    url="https://github.com/hpatches/hpatches-dataset (full image sequences)",
    licence="pictures from several data sets under their own terms; benchmark code BSD",
    layout=(
        "hpatches-sequences-release/{i_*,v_*}/1.ppm ... 6.ppm",
        "hpatches-sequences-release/{i_*,v_*}/H_1_2 ... H_1_6",
    ),
)
RELEASE = "hpatches-sequences-release"
SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
PICTURES = range(1, 7)
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sequence:
    """One scene."""

    folder: Path

    @property
    def key(self) -> str:
        """Name of the sequence."""
        return self.folder.name

    def picture(self, number: int) -> Path:
        """Path of picture 1 to 6."""
        return self.folder / f"{number}.ppm"

    def homography(self, source: int, target: int) -> Matrix:
        """Returns the 3 x 3 map from px of one picture to px of another.

        Raises:
            DataError: A homography file is missing or is not nine numbers.
        """
        return self._from_first(target) @ np.linalg.inv(self._from_first(source))

    def _from_first(self, number: int) -> Matrix:
        if number == 1:
            return np.eye(3)
        path = self.folder / f"H_1_{number}"
        try:
            return np.loadtxt(path, dtype=np.float64).reshape(3, 3)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not a 3 x 3 homography: {error}") from error


def read_sequences(folder: Path, split: str, seed: int) -> list[Sequence]:
    """Lists the sequences of one split: 80/10/10, viewpoint and illumination separately.

    `splits.csv` (key: sequence name) wins.

    Raises:
        DataError: The folder is not HPatches.
    """
    root = folder / RELEASE if (folder / RELEASE).is_dir() else folder
    require(root, INFO, "[iv]_*/1.ppm", "[iv]_*/H_1_2")
    fixed = read_splits_file(folder)
    found = []
    for kind in ("i_", "v_"):
        names = [p.name for p in root.iterdir() if p.is_dir() and p.name.startswith(kind)]
        chosen = split_groups(names, seed, SHARES, fixed)
        found += [Sequence(root / name) for name in names if chosen.get(name) == split]
    return sorted(found, key=lambda sequence: sequence.key)


def warp(matrix: Matrix, point: tuple[float, float]) -> tuple[float, float]:
    """Maps a point (x, y in px)."""
    x, y, w = matrix @ np.array([point[0], point[1], 1.0])
    return float(x / w), float(y / w)
