"""A file that cannot be written is refused before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from livr.errors import ConfigError
from livr.evaluate.target import refuse_folder, refuse_target


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name, reason in (
        (".", "is a folder; give the name of a file"),
        ("file/a/b.json", "file is not a folder, so nothing can be written below it"),
        ("link/b.json", "link is not a folder"),
        ("x" * 300, "no path that can be used"),
    ):
        with pytest.raises(ConfigError, match=f"--figure .*{reason}"):
            refuse_target(tmp_path / name, "--figure")
    for name in ("file", "new.json", "new/folders/new.json"):
        refuse_target(tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "link"}, (
        "nothing is made by asking"
    )
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match="nothing may be written in"):
        refuse_target(tmp_path / "new/new.json")


def test_a_slash_at_the_end_means_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--out .*new/ is a folder; give the name of a file"):
        refuse_target(f"{tmp_path}/new/")


def test_a_folder_that_could_not_be_written_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    for name in (".", "new", "new/folders/"):
        refuse_folder(tmp_path / name)
    for name in ("file", "file/below"):
        with pytest.raises(ConfigError, match="file is not a folder, so nothing can be written"):
            refuse_folder(tmp_path / name)
    with pytest.raises(ConfigError, match="no path that can be used"):
        refuse_folder(tmp_path / ("x" * 300))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ConfigError, match=f"nothing may be written in {tmp_path};"):
        refuse_folder(tmp_path)


def test_a_name_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refuse_target("new.json")


def test_data_is_not_overwritten_by_a_result(tmp_path: Path) -> None:
    """A slip of the hand: `--out data/test.jsonl`."""
    for name in ("test.jsonl", "report.html"):
        (tmp_path / name).write_text("{}")
        with pytest.raises(ConfigError, match=rf"{name} is there already and was not written by"):
            refuse_target(tmp_path / name, holds=b"made by us")
        refuse_target(tmp_path / name)
    (tmp_path / "earlier").write_text("this was made by us")
    (tmp_path / "empty").touch()
    for name in ("earlier", "empty", "new"):
        refuse_target(tmp_path / name, holds=b"made by us")
