"""Compressed decoding equals bottleneck decoding with the image kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import livr.model.load as loading
from livr.errors import ConfigError, LivrError
from livr.method.roles import Role
from livr.model.compress import Notes, obstacle, remember
from livr.model.encoder import Encoded
from livr.model.model import Model
from livr.model.probes import probes
from tests.families import BUILDERS

FAMILIES = ("qwen2_5_vl", "qwen3_vl", "glm4v", "llava_onevision", "llava_next", "smolvlm")
READ = Notes._read
FOLLOW_UP = ["What now?", "And which of them is it, then?", "Why?"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Model]:
    made: dict[str, Model] = {}

    def get(family: str) -> Model:
        if family not in made:
            folder = BUILDERS[family](tmp_path_factory.mktemp("compress") / family)
            made[family] = loading.load(folder, num_latents=4, seed=0)
        return made[family]

    return get


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, models) -> Model:
    return models(request.param)


def prompts(model: Model) -> list[Encoded]:
    return model.encode(probes(), "keep", answer=False)


@torch.no_grad()
def scores_with_image(model: Model, row: Encoded, said: list[int]) -> Tensor:
    """(len(said) + 1, V): what follows the prompt and each word, the image in place, one row."""
    batch = model.batch([row.extended(said)])
    with model.rule("bottleneck", batch):
        logits = model.hf(**batch.inputs, use_cache=False).logits[0]
    return logits[len(row) - 1 :]


def read_and_noted(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Per row the tokens that `notes` takes in from now on."""
    rows: list[list[int]] = [[] for _ in notes.seen_BM]

    def noted(self, ids_BT, new_BT):
        for row, ids, new in zip(rows, ids_BT.tolist(), new_BT.tolist(), strict=True):
            row += [i for i, n in zip(ids, new, strict=True) if n]
        READ(self, ids_BT, new_BT)

    monkeypatch.setattr(Notes, "_read", noted)
    return rows


def test_the_same_answers(model: Model) -> None:
    kept = model.generate(probes(), "bottleneck", max_new_tokens=8)
    short = model.generate(probes(), "bottleneck", max_new_tokens=8, compress=True)
    alone = model.generate(probes(), "bottleneck", max_new_tokens=8, compress=True, batch_size=1)
    assert kept == short == alone
    assert len(set(kept)) > 1
    assert kept != model.generate(probes(), "ordinary", max_new_tokens=8)


def test_the_same_scores_turn_after_turn(model: Model, monkeypatch) -> None:
    rows = prompts(model)
    notes = remember(model, rows)
    read = read_and_noted(notes, monkeypatch)
    for b, row in enumerate(rows):
        torch.testing.assert_close(
            notes.logits_BV[b], scores_with_image(model, row, [])[-1], rtol=1e-3, atol=1e-4
        )
    notes.answer(4)
    for i in range(2):
        notes.ask(FOLLOW_UP[i:] + FOLLOW_UP[:i], max_new_tokens=1 if i else 3)
    assert all(len(said) > 20 for said in read)
    for b, row in enumerate(rows):
        expected = scores_with_image(model, row, read[b])[-1]
        torch.testing.assert_close(notes.logits_BV[b], expected, rtol=1e-3, atol=1e-4)


def test_rows_that_end_early_do_not_disturb_the_others(models, monkeypatch) -> None:
    """Make a word of the first row's answer the end of turn, in the middle of a batch."""
    model = models("qwen3_vl")
    first = remember(model, prompts(model)[:1])
    read = read_and_noted(first, monkeypatch)
    first.answer(4)
    end = read[0][1]
    monkeypatch.setattr(Model, "end_ids", lambda self: [end])
    together = model.generate(probes(), "bottleneck", max_new_tokens=6, compress=True)
    assert together == model.generate(probes(), "bottleneck", max_new_tokens=6)
    notes = remember(model, prompts(model))
    read = read_and_noted(notes, monkeypatch)
    notes.answer(6)
    notes.ask(FOLLOW_UP, 1)
    for b, row in enumerate(prompts(model)):
        expected = scores_with_image(model, row, read[b])[-1]
        torch.testing.assert_close(notes.logits_BV[b], expected, rtol=1e-3, atol=1e-4)


def test_what_is_dropped_is_the_image_and_nothing_else(model: Model) -> None:
    for row in prompts(model):
        batch = model.batch([row])
        images = int((batch.roles_BT == Role.IMAGE).sum())
        notes = remember(model, [row])
        assert images > 0
        assert notes.bytes_after * len(row) == notes.bytes_before * (len(row) - images)
        assert notes.seen_BM.sum() == len(row) - images


def test_known_features_do_as_well_as_pixels(models) -> None:
    model = models("qwen3_vl")
    rows = prompts(model)
    features = model.image_features(rows)
    assert remember(model, rows, features=features).answer(4) == remember(model, rows).answer(4)


def test_a_window_that_no_layer_names_is_found(models, tmp_path: Path) -> None:
    """Mistral's configuration has one window for all layers, and no list of them."""
    folder = BUILDERS["pixtral"](tmp_path / "pixtral")
    assert obstacle(loading.load(folder)) == ""
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] |= {"sliding_window": 24}
    (folder / "config.json").write_text(json.dumps(config))
    assert "sliding windows" in obstacle(loading.load(folder))


def test_an_unknown_family_is_refused(models) -> None:
    model = models("qwen3_vl")
    family, model.family = model.family, replace(model.family, known=False)
    try:
        assert "not among the tested families" in obstacle(model)
    finally:
        model.family = family


def test_refused_where_the_image_would_be_missed(models, tmp_path: Path) -> None:
    model = models("qwen3_vl")
    for mask in ("ordinary", "answer_blind"):
        with pytest.raises(ConfigError, match="mask=bottleneck"):
            model.generate(probes(), mask, compress=True)
    with pytest.raises(ConfigError, match="blind"):
        model.generate(probes(), "bottleneck", "drop", compress=True)
    with pytest.raises(ConfigError, match="2 question"):
        remember(model, prompts(model)).ask(["a", "b"])
    assert obstacle(model) == ""
    for family in ("gemma3", "paligemma"):
        assert obstacle(models(family))
        with pytest.raises(LivrError, match="plain causal attention"):
            models(family).generate(probes(), "bottleneck", compress=True)
