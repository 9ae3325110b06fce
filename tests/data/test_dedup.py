"""De-duplication finds made near duplicates and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageOps

from livr.data.dedup import find_duplicates
from livr.data.dedup_calibration import calibrate
from livr.data.dedup_folder import dedup_folder
from livr.data.example import Example
from livr.data.pool import load_pool
from livr.data.store import load_split, write_dataset
from livr.errors import DataError


def photos(count: int) -> list[Image.Image]:
    entries = {entry.group: entry for entry in load_pool() if entry.kind == "monument"}
    return [entry.open() for entry in list(entries.values())[:count]]


def row(name: str, *images: Image.Image, task: str = "custom") -> Example:
    return Example(id=name, task=task, images=images, question="?", answer="x")


def test_recall_and_precision_on_made_duplicates() -> None:
    scores = calibrate(limit=40)
    assert scores["precision"] == 1.0
    for change in ("jpeg_25", "half_size", "blur_2", "flip", "darker_30"):
        assert scores[change] >= 0.95, (change, scores)
    assert scores["crop_5"] < 0.9  # larger crops escape: the docs say so


def test_one_picture_is_enough_except_for_correspondences() -> None:
    a, b, c, d = photos(4)
    test = [row("t", a, b)]
    assert [d.train_id for d in find_duplicates([row("r", ImageOps.mirror(a), c)], test)] == ["r"]
    task = "visual_correspondence"
    pairs = [
        row("one side", a, c, task=task),
        row("both", a, b, task=task),
        row("swapped", b, a, task=task),
        row("other", c, d, task=task),
        row("same side twice", a, a, task=task),
    ]
    found = find_duplicates(pairs, [row("t", a, b, task=task)])
    assert sorted(duplicate.train_id for duplicate in found) == ["both", "swapped"]


def test_a_cleaned_copy_lists_what_went(tmp_path: Path) -> None:
    a, b, c, d = photos(4)
    train = {"train": [row("1", a), row("2", b)], "val": [row("3", c)], "test": [row("4", d)]}
    write_dataset(tmp_path / "set", train, {"seed": 5})
    brighter = ImageEnhance.Brightness(a).enhance(1.2)
    write_dataset(tmp_path / "bench", {"train": [row("9", d)], "test": [row("8", brighter)]})
    result = dedup_folder(tmp_path / "set", tmp_path / "bench", tmp_path / "clean")
    assert result.counts == {"train": 1, "val": 1, "test": 1}
    assert result.removed == {"train": 1, "val": 0, "test": 0}
    assert [example.id for example in load_split(tmp_path / "clean", "train")] == ["2"]
    [listed] = json.loads((tmp_path / "clean/removed.json").read_text())
    assert (listed["train_id"], listed["test_id"]) == ("1", "8")
    assert (tmp_path / "clean/removed.png").is_file()
    manifest = json.loads((tmp_path / "clean/manifest.json").read_text())
    assert manifest["seed"] == 5
    assert manifest["deduplicated"]["removed"]["train"] == 1
    everything = {"test": [row("7", a), row("8", b)]}
    write_dataset(tmp_path / "all", everything)
    with pytest.raises(DataError, match="no training row would remain"):
        dedup_folder(tmp_path / "set", tmp_path / "all", tmp_path / "none")


def test_a_photo_turned_by_its_metadata_is_found(tmp_path: Path) -> None:
    [photo] = photos(1)
    turned = Image.Exif()
    turned[0x0112] = 6
    photo.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.jpg", exif=turned)
    train = Example(id="r", images=(tmp_path / "turned.jpg",), question="?", answer="x")
    assert [found.test_id for found in find_duplicates([train], [row("t", photo)])] == ["t"]


def test_a_folder_that_is_missing_is_said_so(tmp_path: Path) -> None:
    write_dataset(tmp_path / "bench", {"test": [row("1", *photos(1))]})
    with pytest.raises(DataError, match="gone is not a folder"):
        dedup_folder(tmp_path / "gone", tmp_path / "bench", tmp_path / "out")
    with pytest.raises(DataError, match=r"train\.jsonl does not exist"):
        dedup_folder(tmp_path / "bench", tmp_path / "bench", tmp_path / "out")


@pytest.mark.parametrize(("text", "reason"), [("{", "cannot be read"), ("[1]", "not a JSON obj")])
def test_a_damaged_manifest_is_said_before_the_search(tmp_path: Path, text, reason) -> None:
    pictures = photos(2)
    write_dataset(tmp_path / "set", {"train": [row("1", pictures[0])]})
    write_dataset(tmp_path / "bench", {"test": [row("2", pictures[1])]})
    (tmp_path / "set" / "manifest.json").write_text(text)
    with pytest.raises(DataError, match=rf"manifest.json .*{reason}"):
        dedup_folder(tmp_path / "set", tmp_path / "bench", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_picture_of_many_test_rows_hides_none_of_them() -> None:
    a, b, *others = photos(4)
    task = "visual_correspondence"
    test = [row(f"t{number}", a, others[0], task=task) for number in range(12)]
    test += [row("pair", a, b, task=task), row("turned", b, a, task=task)]
    [found] = find_duplicates([row("same pair", a, b, task=task)], test)
    assert found.test_id == "pair"
    assert {(m.train_image, m.test_image) for m in found.matches} == {(0, 0), (1, 1)}
    [found] = find_duplicates([row("one", ImageOps.mirror(a))], test)
    assert found.test_id == "pair"  # the first by name of all rows that show it
