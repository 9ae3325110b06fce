"""Exports of runs on a revision of a hub id: made from it, and they say which it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

import livr
from livr.config import TrainConfig
from livr.export import api
from livr.train.run import train
from tests import hub, tiny


@pytest.fixture
def run(checkpoints, tmp_path, monkeypatch) -> Path:
    """A run on the tag v1; the newest commit has other weights."""
    hub.lay_out(checkpoints("qwen3_vl"), tmp_path / "home", monkeypatch)
    values = {
        "model": "owner/name@v1",
        "data": tiny.dataset(tmp_path / "data", train=4, val=2),
        "out": tmp_path / "run",
        "method": "sft",
        "epochs": [1],
        "checkpoint": "last",
    }
    return train(TrainConfig.model_validate(values)).path


def about(folder: Path) -> tuple[dict, dict]:
    """livr.json, and what stands before the card's text."""
    front = yaml.safe_load((folder / "README.md").read_text().split("---")[1])
    return json.loads((folder / "livr.json").read_text()), front


@pytest.mark.usefixtures("in_process")
def test_merged_weights_are_made_from_the_revision(run, tmp_path) -> None:
    assert about_run(run)["base_commit"] == hub.OLD
    out = livr.export(run, tmp_path / "out").path
    found, front = about(out)
    assert (found["base"], found["base_commit"]) == ("owner/name@v1", hub.OLD)
    assert front["base_model"] == "owner/name"


def about_run(run: Path) -> dict:
    return json.loads((run / "adapter" / "livr.json").read_text())


def test_an_adapter_names_the_commit_it_belongs_on(run, tmp_path) -> None:
    """The comparison loads the base model in a process of its own, by name and commit."""
    out = livr.export(run, tmp_path / "out", adapter=True).path
    found, front = about(out)
    assert (found["base"], found["base_commit"]) == ("owner/name@v1", hub.OLD)
    assert front["base_model"] == "owner/name"
    settings = json.loads((out / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "owner/name"
    assert settings["revision"] == hub.OLD
    assert (
        f'from_pretrained("owner/name", revision="{hub.OLD}", ' in (out / "README.md").read_text()
    )


@pytest.mark.usefixtures("in_process")
def test_a_folder_has_no_commit(trained, tmp_path) -> None:
    out = livr.export(trained("qwen3_vl", method="sft"), tmp_path / "out").path
    found, front = about(out)
    assert found["base_commit"] is None
    assert "base_model" not in front


@pytest.mark.usefixtures("in_process")
def test_files_beside_the_weights_are_of_the_revision(run, tmp_path) -> None:
    newest = tmp_path / "home/hub/models--owner--name/snapshots" / hub.NEW
    for file in newest.glob("*.json"):
        file.write_text("no JSON")
    (newest / "LICENSE").write_text("of another commit")
    out = livr.export(run, tmp_path / "out").path
    assert not (out / "LICENSE").exists()
    assert api.read_source(run).commit == hub.OLD
