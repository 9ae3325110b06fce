"""Makes the embedded images from the originals. Needed once, never at run time.

Run `python -m livr.data.pool.prepare ORIGINALS` where ORIGINALS holds the photographs which
the educational suite GCompris ships under public-domain or CC0 terms, with a `manifest.csv`
(path, licence, author, source_url, sha256, group). What is changed:

- photographs are scaled to at most 320 px and stored as WebP;
- fish strips hold two animation frames side by side: the left one is kept, losslessly;
- objects on a plain background are also cut out (alpha from the background colour,
  connected to the border), as further files of the same group;
- pictures of the same landmark are put in one group;
- splits are drawn again by group, stratified by kind and by having a cut-out, from a seed.
"""

from __future__ import annotations

import csv
import hashlib
import random
import shutil
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage

SEED = 0
LONG_SIDE = 320
CUTOUT_SIDE = 224
QUALITY = 80
SHARES = (0.15, 0.15)  # test, val; the rest is train

# (folder fragment, kind); the first match counts.
KINDS = (
    ("fishes/", "fish"),
    ("monuments/", "monument"),
    ("/wonders/", "monument"),
    ("explore_monuments/", "monument"),
    ("others/", "object"),
    ("renewable/dam", "dam"),
    ("renewable/geothermal", "dam"),
    ("renewable/solar", "solar"),
    ("renewable/windmill", "windmill"),
    ("tools/", "tool"),
    ("clickgame/sea", "sea"),
    ("clickgame/", "fish"),
    ("details/", "painting"),
    ("erase/", "animal"),
    ("animals/", "animal"),
    ("music/", "music"),
)

# The same landmark photographed twice: (group to drop, group to join).
SAME_SUBJECT = {200: 36, 220: 41, 230: 47, 234: 39, 232: 50}

# Objects whose background is plain enough to be cut away, with the colour tolerance.
CUTOUTS = {
    "cuttingTool": 24,
    "hammer2": 24,
    "hammer5": 24,
    "hammer7": 30,
    "hammer8": 24,
    "hammer9": 24,
    "measuringTape1": 24,
    "measuringTape2": 24,
    "measuringTape3": 14,
    "measuringTape4": 14,
    "plier1": 24,
    "plier2": 30,
    "plier3": 24,
    "scissors1": 24,
    "scissors4": 24,
    "spray": 24,
    "volleyball": 12,
    "pencil": 40,
    "fish25": 40,
    "fish18": 24,
    "duck": 40,
    "multimeter2": 40,
    "erasers": 40,
}

COLUMNS = (
    "path",
    "kind",
    "name",
    "group",
    "split",
    "has_alpha",
    "width",
    "height",
    "licence",
    "author",
    "source_url",
    "sha256",
    "original_path",
    "original_sha256",
)


@dataclass
class _Entry:
    """One file to ship."""

    image: Image.Image
    kind: str
    name: str
    group: int
    has_alpha: bool
    source: dict[str, str]
    row: dict[str, str] = field(default_factory=dict)


def kind_of(path: str) -> str:
    """Returns what an original shows, from its folder."""
    return next(kind for fragment, kind in KINDS if fragment in path)


def cut_out(image: Image.Image, tolerance: int) -> Image.Image:
    """Returns the object without its plain background, cropped, RGBA.

    Background is what differs from the border's median colour by at most `tolerance`
    (largest channel difference) and is connected to the border. The largest remaining
    piece and everything at least a tenth of it stay.
    """
    rgb_HW3 = np.asarray(image.convert("RGB"), dtype=np.int16)
    border = np.concatenate([rgb_HW3[0], rgb_HW3[-1], rgb_HW3[:, 0], rgb_HW3[:, -1]])
    near = np.abs(rgb_HW3 - np.median(border, axis=0)).max(axis=2) <= tolerance
    labels, _ = ndimage.label(np.pad(near, 1, constant_values=True))
    keep = (labels != labels[0, 0])[1:-1, 1:-1]
    keep = ndimage.binary_opening(keep, iterations=1)
    pieces, count = ndimage.label(keep)
    sizes = ndimage.sum_labels(keep, pieces, range(1, count + 1))
    large = 1 + np.flatnonzero(sizes >= 0.1 * sizes.max())
    mask = Image.fromarray((np.isin(pieces, large) * 255).astype(np.uint8))
    box = mask.getbbox()
    result = image.convert("RGB")
    result.putalpha(mask.filter(ImageFilter.GaussianBlur(0.7)))
    return result.crop(box)


def fit(image: Image.Image, side: int) -> Image.Image:
    """Scales down so that the longer side is at most `side`."""
    result = image.copy()
    result.thumbnail((side, side), Image.Resampling.LANCZOS)
    return result


def make_entries(originals: Path) -> list[_Entry]:
    """Reads the originals and returns every picture to ship."""
    entries = []
    with (originals / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        kind, name = kind_of(row["path"]), Path(row["path"]).stem
        group = SAME_SUBJECT.get(int(row["group"]), int(row["group"]))
        with Image.open(originals / row["path"]) as file_image:
            image = file_image.convert("RGBA" if file_image.mode == "RGBA" else "RGB")
        if image.mode == "RGBA":
            frame = image.crop((0, 0, image.width // 2, image.height))
            frame = frame.crop(frame.getchannel("A").getbbox())
            entries.append(_Entry(frame, kind, name, group, True, row))
            continue
        folder = Path(row["path"]).parent.name
        if any(e.kind == kind and e.name == name for e in entries):
            name = f"{name}_{folder}"
        entries.append(_Entry(fit(image, LONG_SIDE), kind, name, group, False, row))
        if Path(row["path"]).stem in CUTOUTS:
            cut = fit(cut_out(image, CUTOUTS[Path(row["path"]).stem]), CUTOUT_SIDE)
            entries.append(_Entry(cut, kind, name, group, True, row))
    return entries


def draw_splits(entries: list[_Entry], seed: int) -> dict[int, str]:
    """Returns group -> split, about 70/15/15 within every stratum."""
    strata: dict[tuple[str, bool], list[int]] = defaultdict(list)
    with_alpha = {e.group for e in entries if e.has_alpha}
    seen: set[int] = set()
    for entry in entries:
        if entry.group not in seen:
            seen.add(entry.group)
            strata[entry.kind, entry.group in with_alpha].append(entry.group)
    rng = random.Random(seed)
    splits = {}
    for key in sorted(strata):
        groups = sorted(strata[key])
        rng.shuffle(groups)
        test, val = (max(1, round(share * len(groups))) for share in SHARES)
        if len(groups) < 3:  # too few for three splits
            test = val = 0
        for index, group in enumerate(groups):
            splits[group] = "test" if index < test else "val" if index < test + val else "train"
    return splits


def write(entries: list[_Entry], splits: dict[int, str], target: Path) -> None:
    """Writes images and manifest.csv into `target`, replacing what was there."""
    shutil.rmtree(target / "images", ignore_errors=True)
    with (target / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for entry in entries:
            folder = "cutouts" if entry.has_alpha else entry.kind
            path = target / "images" / folder / f"{entry.name}.webp"
            path.parent.mkdir(parents=True, exist_ok=True)
            small = "clickgame" in entry.source["path"] and entry.has_alpha
            entry.image.save(path, lossless=small, quality=QUALITY, method=6)
            source = entry.source
            writer.writerow(
                {
                    "path": path.relative_to(target).as_posix(),
                    "kind": entry.kind,
                    "name": entry.name,
                    "group": entry.group,
                    "split": splits[entry.group],
                    "has_alpha": int(entry.has_alpha),
                    "width": entry.image.width,
                    "height": entry.image.height,
                    "licence": source["licence"],
                    "author": source["author"],
                    "source_url": source["source_url"],
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                    "original_path": source["path"],
                    "original_sha256": source["sha256"],
                }
            )


if __name__ == "__main__":
    found = make_entries(Path(sys.argv[1]))
    write(found, draw_splits(found, SEED), Path(__file__).parent)
