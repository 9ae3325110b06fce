"""A cleaned copy keeps what belongs to the data set, and writes nothing that a check refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from livr.data.check import check_folder
from livr.data.dedup import ClipEmbedder
from livr.data.dedup_folder import dedup_folder
from livr.data.store import write_dataset
from livr.errors import DataError, ModelError

from .test_dedup import photos, row


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A data set whose only val row is a picture of the bench, and the bench."""
    a, b, c = photos(3)
    write_dataset(tmp_path / "set", {"train": [row("1", a)], "val": [row("2", b)]})
    write_dataset(tmp_path / "bench", {"test": [row("3", b), row("4", c)]})
    return tmp_path / "set", tmp_path / "bench"


def test_a_split_of_which_nothing_remains_is_left_out(
    folders: tuple[Path, Path], tmp_path: Path, livr_command: Callable[..., tuple[int, str, str]]
) -> None:
    root, bench = folders
    code, text, remark = livr_command(
        "data", "dedup", root, "--against", bench, "--out", tmp_path / "clean"
    )
    assert code == 0
    assert "val: 0 kept, 1 removed" in text
    assert "has no val split" in remark
    assert not (tmp_path / "clean/val.jsonl").exists()
    assert check_folder(tmp_path / "clean").problems == []
    manifest = json.loads((tmp_path / "clean/manifest.json").read_text())
    assert manifest["counts"] == {"train": 1}
    assert manifest["deduplicated"]["removed"] == {"train": 0, "val": 1}


def test_regions_are_kept(folders: tuple[Path, Path], tmp_path: Path) -> None:
    root, bench = folders
    boxes = [{"id": name, "box": [0, 0, 4, 4]} for name in ("1", "2")]
    text = "".join(json.dumps(box) + "\n" for box in boxes)
    (root / "regions.jsonl").write_text(text)
    dedup_folder(root, bench, tmp_path / "clean")
    assert (tmp_path / "clean/regions.jsonl").read_text() == text
    assert check_folder(tmp_path / "clean").problems == []


@pytest.mark.parametrize("name", ["val", "regions"])
def test_what_cannot_be_read_is_not_left_out(
    folders: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    root, bench = folders
    (root / f"{name}.jsonl").unlink(missing_ok=True)
    (root / f"{name}.jsonl").symlink_to("nowhere")
    with pytest.raises(DataError, match=rf"{name}\.jsonl is a link that leads nowhere"):
        dedup_folder(root, bench, tmp_path / "clean")


def test_a_folder_without_a_clip_model_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere is not a folder"):
        ClipEmbedder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="empty cannot be used"):
        ClipEmbedder(tmp_path / "empty")
    (tmp_path / "empty/config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(ModelError, match="empty cannot be used"):
        ClipEmbedder(tmp_path / "empty")
    (tmp_path / "empty/config.json").write_text("{")
    with pytest.raises(ModelError, match="empty cannot be used"):
        ClipEmbedder(tmp_path / "empty")


def test_a_model_that_embeds_no_pictures_is_said_so_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, loaded in (
        ("AutoModel", torch.nn.Linear(1, 1)),
        ("AutoProcessor", lambda **_: {"pixel_values": None}),
    ):
        monkeypatch.setattr(f"transformers.{name}.from_pretrained", lambda _, found=loaded: found)
    with pytest.raises(ModelError, match="'Linear' object has no attribute 'get_image_features'"):
        ClipEmbedder(tmp_path)


def test_the_clip_folder_is_not_overwritten(
    folders: tuple[Path, Path], tmp_path: Path, livr_command: Callable[..., tuple[int, str, str]]
) -> None:
    root, bench = folders
    (tmp_path / "out/clip").mkdir(parents=True)
    code, _, said = livr_command(
        "data", "dedup", root, "--against", bench, "--out", tmp_path / "out", "--overwrite",
        "--clip", tmp_path / "out/clip",
    )  # fmt: skip
    assert (code, "contains" in said) == (2, True)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip"]
