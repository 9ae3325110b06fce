"""ArtBench-10: paintings in ten styles, 256 x 256 px.

Layout as published: `artbench-10-imagefolder-split/{train,test}/<style>/*.jpg`. File names start
with the artist's name, up to the first underscore. The folder may also be given directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from livr.data.sources.folder import SourceInfo, read_splits_file, require, split_groups

INFO = SourceInfo(
    name="ArtBench-10",
    url="https://github.com/liaopeiyuan/artbench (ImageFolder, 256x256 with splits)",
    licence="fair use for research, as its authors state; most paintings are in the public domain",
    layout=(
        "artbench-10-imagefolder-split/train/<style>/*.jpg",
        "artbench-10-imagefolder-split/test/<style>/*.jpg",
    ),
)
RELEASE = "artbench-10-imagefolder-split"
SHARES = {"train": 0.8, "val": 0.2}
ENDINGS = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class Painting:
    """One painting."""

    path: Path
    style: str

    @property
    def key(self) -> str:
        """Style and file name."""
        return f"{self.style}/{self.path.name}"

    @property
    def artist(self) -> str:
        """The file name up to its first underscore."""
        return self.path.stem.split("_")[0]


def read_paintings(folder: Path, split: str, seed: int) -> dict[str, list[Painting]]:
    """Lists the paintings of one split by style.

    Split rule: `splits.csv` (key: style/file name) over `train/` if there is one. Otherwise
    train and val are disjoint parts of `train/` and test is `test/` (ours; the paper tests on
    BLINK).

    Raises:
        DataError: The folder is not ArtBench-10.
    """
    root = folder / RELEASE if (folder / RELEASE).is_dir() else folder
    fixed = read_splits_file(folder)
    part = "test" if split == "test" and fixed is None else "train"
    require(root, INFO, f"{part}/*/*")
    result: dict[str, list[Painting]] = {}
    for style in sorted(path for path in (root / part).iterdir() if path.is_dir()):
        paths = sorted(path for path in style.iterdir() if path.suffix.lower() in ENDINGS)
        result[style.name] = [Painting(path, style.name) for path in paths]
    if part == "test":
        return result
    keys = [painting.key for paintings in result.values() for painting in paintings]
    chosen = split_groups(keys, seed, SHARES, fixed)
    return {
        style: [painting for painting in paintings if chosen.get(painting.key) == split]
        for style, paintings in result.items()
    }
