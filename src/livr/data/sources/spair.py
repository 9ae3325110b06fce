"""SPair-71k: pairs of pictures of one category with common keypoints.

Layout as published: `Layout/large/{trn,val,test}.txt` (one pair name a line),
`PairAnnotation/{trn,val,test}/<id>-<source>-<target>:<category>.json` (src_imname, trg_imname,
src_kps, trg_kps, kps_ids, category) and `JPEGImages/<category>/`. File names hold a colon.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from livr.data.sources.folder import SourceInfo, read_splits_file, require, split_groups
from livr.errors import DataError

INFO = SourceInfo(
    name="SPair-71k",
    url="https://cvlab.postech.ac.kr/research/SPair-71k/",
    licence="for research; pictures from PASCAL VOC 2012 and PASCAL 3D+ under Flickr terms",
    layout=(
        "Layout/large/trn.txt",
        "PairAnnotation/trn/<id>-<source>-<target>:<category>.json",
        "JPEGImages/<category>/*.jpg",
    ),
)
SHARES = {"train": 0.8, "val": 0.2}


@dataclass(frozen=True, slots=True)
class PairName:
    """One line of the layout file, taken apart."""

    name: str
    source: str
    target: str
    category: str
    part: str

    @property
    def keys(self) -> tuple[str, str]:
        """Category/picture of both sides, without file ending."""
        return f"{self.category}/{self.source}", f"{self.category}/{self.target}"


@dataclass(frozen=True)
class Pair:
    """Two pictures and their common keypoints: id -> (x, y) in px."""

    source: Path
    target: Path
    source_points: dict[str, tuple[float, float]]
    target_points: dict[str, tuple[float, float]]
    category: str


def read_pair_names(folder: Path, split: str, seed: int) -> list[PairName]:
    """Lists the pairs of one split; both pictures of a pair belong to the split.

    Split rule: pictures of `trn` are shared out between train and val, pairs across are left
    out; test is the official `test` (ours; the paper tests on BLINK). `splits.csv` (key:
    category/picture without ending) over `trn` wins.

    Raises:
        DataError: The folder is not SPair-71k or a pair name is malformed.
    """
    fixed = read_splits_file(folder)
    part = "test" if split == "test" and fixed is None else "trn"
    layout = f"Layout/large/{part}.txt"
    require(folder, INFO, layout, f"PairAnnotation/{part}", "JPEGImages")
    lines = (folder / layout).read_text(encoding="utf-8").split("\n")
    pairs = [_parse(line.strip(), part, folder / layout) for line in lines if line.strip()]
    if part == "test":
        return pairs
    keys = [key for pair in pairs for key in pair.keys]
    chosen = split_groups(keys, seed, SHARES, fixed)
    return [pair for pair in pairs if all(chosen.get(key) == split for key in pair.keys)]


def _parse(line: str, part: str, path: Path) -> PairName:
    stem, _, category = line.removesuffix(".json").rpartition(":")
    pieces = stem.split("-")
    if len(pieces) != 3 or not category:
        raise DataError(f"{path}: expected <id>-<source>-<target>:<category>, found {line!r}")
    return PairName(line.removesuffix(".json"), pieces[1], pieces[2], category, part)


def read_pair(folder: Path, name: PairName) -> Pair:
    """Reads the annotation of one pair.

    Raises:
        DataError: The file is missing or malformed.
    """
    path = folder / "PairAnnotation" / name.part / f"{name.name}.json"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        ids = [str(number) for number in value["kps_ids"]]
        category = str(value["category"])
        images = folder / "JPEGImages" / category
        sides = [
            {key: (float(x), float(y)) for key, (x, y) in zip(ids, value[side], strict=True)}
            for side in ("src_kps", "trg_kps")
        ]
        names = str(value["src_imname"]), str(value["trg_imname"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not a pair annotation: {error!r}") from error
    return Pair(images / names[0], images / names[1], sides[0], sides[1], category)
