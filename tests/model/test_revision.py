"""Hub ids: which revision is loaded, that its commit is recorded, and when the hub is asked."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig

import livr
from livr.backbones import processor
from livr.backbones.backbone import empty_model
from livr.backbones.hub import at_revision, commit_of
from livr.config import LoraConfig
from livr.errors import ModelError
from livr.model.adapter import add_lora, load_adapter, save_adapter
from tests import hub, tiny
from tests.families import REMOTE


@pytest.fixture
def cache(checkpoints, tmp_path, monkeypatch) -> Path:
    return hub.lay_out(checkpoints("qwen3_vl"), tmp_path / "home", monkeypatch)


def weight(model: livr.Model) -> torch.Tensor:
    named = dict(model.hf.named_parameters())
    return named[next(n for n in sorted(named) if n.endswith("down_proj.weight"))]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("source", "commit", "factor"),
    [
        ("owner/name", hub.NEW, 2.0),
        ("owner/name@main", hub.NEW, 2.0),
        ("owner/name@v1", hub.OLD, 1.0),
        (f"owner/name@{hub.OLD}", hub.OLD, 1.0),
    ],
)
def test_the_revision_that_was_asked_for_is_loaded(source, commit, factor, checkpoints) -> None:
    model = livr.load(source)
    assert commit_of(model.hf) == commit
    assert model.source == source
    torch.testing.assert_close(weight(model), weight(livr.load(checkpoints("qwen3_vl"))) * factor)


def test_every_file_is_of_that_revision(cache) -> None:
    """Processor and generation settings, too: those of the newest commit are damaged."""
    newest = cache / "models--owner--name" / "snapshots" / hub.NEW
    for file in newest.glob("*.json"):
        file.write_text("no JSON")
    (newest / "chat_template.jinja").write_text("of another commit")
    model = livr.load("owner/name@v1")
    assert len(model.generate(tiny.examples()[:1])) == 1
    assert "of another commit" not in model.processor.chat_template


def test_files_of_the_processor_are_looked_for_in_the_revision(cache, monkeypatch) -> None:
    asked = []
    right = processor.cached_file

    def noting(folder: str, name: str, **options: object) -> str | None:
        asked.append((folder, getattr(options.get("revision"), "resolved", None)))
        return right(folder, name, **options)

    monkeypatch.setattr(processor, "cached_file", noting)
    livr.load("owner/name@v1")
    assert asked and set(asked) == {("owner/name", hub.OLD)}


def test_a_folder_has_no_commit(checkpoints) -> None:
    folder = str(checkpoints("qwen3_vl"))
    assert at_revision(folder) == (folder, {})
    assert commit_of(livr.load(folder).hf) is None


def test_a_folder_may_have_such_a_name(checkpoints, tmp_path, monkeypatch) -> None:
    (tmp_path / "owner").mkdir()
    (tmp_path / "owner" / "name@v1").symlink_to(checkpoints("qwen3_vl"))
    monkeypatch.chdir(tmp_path)
    assert commit_of(livr.load("owner/name@v1").hf) is None


@pytest.mark.parametrize(
    "source", ["name@v1", "owner/name@", "owner@v1/name", "a/b/c@v1", "owner/name@v 1", "@v1"]
)
def test_a_malformed_name_is_refused(source) -> None:
    with pytest.raises(ModelError, match=f"^{source}: no such folder.* owner/name@revision"):
        livr.load(source)


def test_a_revision_behind_a_folder_is_refused(checkpoints) -> None:
    folder = checkpoints("qwen3_vl")
    with pytest.raises(ModelError, match=rf"{folder} is a folder.* leave out @v1$"):
        livr.load(f"{folder}@v1")


@pytest.mark.usefixtures("cache")
def test_a_revision_that_is_not_there_is_one_message() -> None:
    with pytest.raises(ModelError, match=r"^cannot load owner/name@v9 as a vision-language model"):
        livr.load("owner/name@v9")


def test_code_is_of_the_revision_too(tmp_path, monkeypatch) -> None:
    """Also where the structure is built without weights, as four bits need it."""
    cache = hub.lay_out(REMOTE(tmp_path / "base"), tmp_path / "home", monkeypatch)
    newest = cache / "models--owner--name" / "snapshots" / hub.NEW
    for file in newest.glob("*.py"):
        file.write_text("raise RuntimeError('code of another commit')\n")
    name, at = at_revision("owner/name@v1")
    config = AutoConfig.from_pretrained(name, trust_remote_code=True, **at)
    empty = empty_model(config, True, at["revision"])
    model = livr.load("owner/name@v1", trust_remote_code=True)
    for one in (empty, empty_model(model.hf.config, True, at["revision"])):
        assert type(one).__name__ == type(model.hf).__name__
        assert {n: w.shape for n, w in one.named_parameters()} == {
            n: w.shape for n, w in model.hf.named_parameters()
        }
        assert next(one.parameters()).is_meta


def test_a_processors_own_class_is_of_the_revision_too(cache) -> None:
    for commit in (hub.OLD, hub.NEW):
        folder = cache / "models--owner--name" / "snapshots" / commit
        named = {"auto_map": {"AutoProcessor": "own.Own"}}
        (folder / "processor_config.json").write_text(json.dumps(named))
        (folder / "own.py").write_text(f"class Own:\n    commit = {commit!r}\n")
    source = "owner/name@v1"
    own = processor._processor_class(source, at_revision(source), trust_remote_code=True)
    assert own.commit == hub.OLD


def trained(source: str, folder: Path) -> None:
    """An adapter as a run saves it."""
    model = livr.load(source, num_latents=2)
    add_lora(model, LoraConfig())
    save_adapter(model, folder)


def test_another_commit_than_in_training_is_said(cache, tmp_path) -> None:
    trained("owner/name", tmp_path / "adapter")
    about = json.loads((tmp_path / "adapter" / "livr.json").read_text())
    assert about["base_commit"] == hub.NEW
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_adapter(livr.load("owner/name"), tmp_path / "adapter")
        load_adapter(livr.load(f"owner/name@{hub.NEW}"), tmp_path / "adapter")
    hub.point_main_to(hub.OLD, cache)
    advice = f"at commit {hub.NEW}.* commit {hub.OLD}.*`model: owner/name@{hub.NEW}`"
    with pytest.warns(UserWarning, match=advice):
        load_adapter(livr.load("owner/name"), tmp_path / "adapter")


def test_a_run_without_a_recorded_commit_loads_as_ever(cache, tmp_path) -> None:
    trained("owner/name", tmp_path / "adapter")
    file = tmp_path / "adapter" / "livr.json"
    about = json.loads(file.read_text())
    del about["base_commit"]
    file.write_text(json.dumps(about))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_adapter(livr.load("owner/name@v1"), tmp_path / "adapter")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("source", "more"), [("no/such", ""), ("no/such@v1", " --revision v1")])
def test_a_checkpoint_out_of_reach_is_told_with_a_way_to_get_it(source, more) -> None:
    advice = rf"reach \(HF_HUB_OFFLINE is set\). Run hf download no/such{more} --local-dir DIR "
    with pytest.raises(ModelError, match=rf"{advice}.* in place of {source}$"):
        livr.load(source)


@pytest.mark.usefixtures("cache")
def test_saving_and_loading_an_adapter_asks_the_hub_nothing(tmp_path, monkeypatch) -> None:
    """peft would look for the base model's settings there, at every best epoch."""
    model, again = livr.load("owner/name", num_latents=2), livr.load("owner/name")

    def asked(*words: object, **options: object) -> bool:
        raise AssertionError("the hub was asked")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    for name in ("file_exists", "hf_hub_download", "check_file_exists_on_hf_hub"):
        for module in ("peft.utils.other", "peft.utils.save_and_load", "peft.config"):
            monkeypatch.setattr(f"{module}.{name}", asked, raising=False)
    add_lora(model, LoraConfig())
    for name, matrix in model.hf.named_parameters():
        if "lora_B" in name:
            matrix.data += 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_adapter(model, tmp_path / "adapter")
        load_adapter(again, tmp_path / "adapter")
    asked_both = tiny.examples()[:1]
    for one, other in zip(model.logits(asked_both), again.logits(asked_both), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
