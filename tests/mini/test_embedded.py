"""The shipped checkpoints: what their cards say is so, and they see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, AutoTokenizer

import livr
from livr.errors import ModelError
from livr.mini import CHECKPOINTS, EMBEDDED, checkpoint_dir
from livr.mini.build import drift
from livr.mini.card import read_card
from livr.mini.lesson import measure_skills
from livr.mini.recipe import PretrainConfig, shipped

LIMIT_BYTES = 20 * 10**6


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_card_describes_the_weights(name: str) -> None:
    card, model = read_card(name), livr.load(name)
    assert card.name == name
    assert card.parameters == sum(p.numel() for p in model.hf.parameters())


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_recipe_is_what_the_command_runs(name: str) -> None:
    """Else `livr mini pretrain` would make another model than the one that ships."""
    assert PretrainConfig.model_validate(read_card(name).recipe) == shipped(name)


@pytest.mark.parametrize("name", EMBEDDED)
def test_it_sees(name: str) -> None:
    """Of questions about pictures kept out of training, as many are right as the card says."""
    card, folder = read_card(name), checkpoint_dir(name)
    model = AutoModelForImageTextToText.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    skills = measure_skills(model, tokenizer, name, 3, worlds=shipped(name).worlds)
    right, asked = (sum(counts) for counts in zip(*skills.values(), strict=True))
    assert asked > 300
    assert right / asked == pytest.approx(card.accuracy, abs=0.08)


def test_a_rebuilt_checkpoint_is_held_against_the_shipped_one(tmp_path: Path) -> None:
    recipe = shipped("nano")
    assert drift(checkpoint_dir("nano"), recipe) == 0
    weights = load_file(checkpoint_dir("nano") / "model.safetensors")
    save_file({name: 1.5 * w for name, w in weights.items()}, tmp_path / "model.safetensors")
    assert drift(tmp_path, recipe) == pytest.approx(0.5)
    assert drift(tmp_path, shipped("nano", seed=1)) is None
    assert drift(tmp_path, PretrainConfig(size="test")) is None


def test_both_sizes_read_the_same_words() -> None:
    texts = {(checkpoint_dir(name) / "tokenizer.json").read_bytes() for name in EMBEDDED}
    assert len(texts) == 1


def test_they_are_small() -> None:
    assert sum(file.stat().st_size for file in CHECKPOINTS.rglob("*")) < LIMIT_BYTES


@pytest.mark.parametrize("name", EMBEDDED)
def test_info_prints_the_card(name: str, livr_command: Callable[..., tuple[int, str, str]]) -> None:
    code, printed, _ = livr_command("mini", "info", name)
    assert code == 0
    card = read_card(name)
    for words in (name, f"{card.parameters:,}", "Apache-2.0", "2950", "mark_place"):
        assert words in printed


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="there is mini, nano"):
        checkpoint_dir("pico")


def test_a_broken_card_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mini"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "mini.json").write_text("{}")
    monkeypatch.setattr("livr.mini.CHECKPOINTS", tmp_path)
    with pytest.raises(ModelError, match=r"mini\.json: cannot read the card of mini"):
        read_card("mini")
