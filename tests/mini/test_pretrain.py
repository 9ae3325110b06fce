"""Pre-training: an interrupted run ends where an uninterrupted one does; the tower may rest."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoTokenizer

from livr.errors import ConfigError
from livr.mini.lesson import measure_skills
from livr.mini.phases import Phase
from livr.mini.pretrain import Report, pretrain
from livr.mini.recipe import PretrainConfig, shipped
from livr.mini.shape import build, shape
from livr.mini.tokenizer import SPECIAL_TOKENS
from livr.mini.tower import train_tower

PLACES = Phase(steps=2, worlds={"places": 1.0})
CONFIG = PretrainConfig(
    size="test", tower_steps=1, phases=(PLACES, PLACES), decay=2, warmup=1, frozen=None
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    pretrain(CONFIG, out, workers=0)
    return out


class StoppedError(Exception):
    pass


def stop_at_three(report: Report) -> None:
    if report.step == 3:
        raise StoppedError


def test_an_interrupted_run_ends_the_same(finished, tmp_path) -> None:
    with pytest.raises(StoppedError):
        pretrain(CONFIG, tmp_path, on_step=stop_at_three, save_every=2, workers=0)
    steps: list[int] = []
    pretrain(CONFIG, tmp_path, on_step=lambda r: steps.append(r.step), workers=0)
    assert steps == [3, 4]
    whole = load_file(finished / "checkpoint/model.safetensors")
    again = load_file(tmp_path / "checkpoint/model.safetensors")
    for name, weight in whole.items():
        assert torch.equal(again[name], weight), name


def test_the_tower_rests_as_long_as_it_is_told(finished, tmp_path) -> None:
    taught = torch.load(finished / "tower.pt", weights_only=True)
    weights = load_file(finished / "checkpoint/model.safetensors")
    for name, weight in taught.items():
        assert torch.equal(weights[f"model.visual.{name}"], weight), name
    pretrain(CONFIG.model_copy(update={"frozen": 1}), tmp_path, workers=0)
    moved = load_file(tmp_path / "checkpoint/model.safetensors")
    assert any(not torch.equal(moved[f"model.visual.{n}"], w) for n, w in taught.items())


def test_a_wrong_size_leaves_no_trace(tmp_path) -> None:
    out = tmp_path / "new"
    for config in (CONFIG.model_copy(update={"size": "pico"}), shipped("pico")):
        with pytest.raises(ConfigError, match="pico"):
            pretrain(config, out, workers=0)
        assert not out.exists()


def test_another_recipe_is_refused(finished) -> None:
    with pytest.raises(ConfigError, match="another recipe"):
        pretrain(CONFIG.model_copy(update={"seed": 1}), finished, workers=0)


def test_a_saved_state_goes_on_only_with_the_recipe_it_was_made_by(finished, tmp_path) -> None:
    with pytest.raises(StoppedError):
        pretrain(CONFIG, tmp_path, on_step=stop_at_three, save_every=2, workers=0)
    other = PLACES.model_copy(update={"questions": 1})
    with pytest.raises(ConfigError, match="another recipe"):
        pretrain(CONFIG.model_copy(update={"phases": (other, PLACES)}), tmp_path, workers=0)
    steps: list[int] = []
    longer = CONFIG.model_copy(update={"phases": (PLACES, other, PLACES)})
    pretrain(longer, tmp_path, on_step=lambda r: steps.append(r.step), workers=0)
    assert steps == [3, 4, 5, 6]


def test_what_is_ahead_may_change_and_what_was_done_may_not() -> None:
    other = PLACES.model_copy(update={"questions": 1})
    ahead = CONFIG.model_copy(
        update={
            "phases": (
                PLACES,
                PLACES.model_copy(update={"steps": 1}),
                other.model_copy(update={"steps": 1}),
            )
        }
    )
    assert CONFIG.same_until(3, ahead)
    assert not CONFIG.same_until(4, ahead)
    slower = CONFIG.model_copy(update={"decay": 3})
    assert CONFIG.same_until(2, slower)
    assert not CONFIG.same_until(3, slower), "the rate of the third step differs"


def test_a_recipe_goes_on_from_its_base(finished, tmp_path) -> None:
    base = CONFIG.model_copy(update={"tower_steps": 0})
    again = CONFIG.model_copy(update={"base": base, "phases": (PLACES,)})
    steps: list[int] = []
    with pytest.raises(StoppedError):
        pretrain(again, tmp_path / "one", on_step=stop_at_three, save_every=2, workers=0)
    pretrain(again, tmp_path / "one", on_step=lambda r: steps.append(r.step), workers=0)
    assert steps == [3, 4, 5, 6], "it goes on in the base, and counts on after it"
    first = pretrain(base, tmp_path / "first", workers=0)
    alone = again.model_copy(update={"base": None, "start_from": str(first)})
    pretrain(alone, tmp_path / "two", workers=0)
    whole = load_file(tmp_path / "two/checkpoint/model.safetensors")
    for name, weight in load_file(tmp_path / "one/checkpoint/model.safetensors").items():
        torch.testing.assert_close(whole[name], weight, rtol=1e-4, atol=1e-6)


def test_a_state_of_another_recipe_is_refused_before_the_base_is_trained(
    finished, tmp_path
) -> None:
    (tmp_path / "state.pt").write_bytes((finished / "state.pt").read_bytes())
    again = CONFIG.model_copy(update={"base": CONFIG, "phases": (PLACES,)})
    with pytest.raises(ConfigError, match="another recipe"):
        pretrain(again, tmp_path, workers=0)
    assert not (tmp_path / "base").exists()


def test_skills_of_scenes_with_one_picture_can_be_measured(finished) -> None:
    folder = finished / "checkpoint"
    model = AutoModelForImageTextToText.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = measure_skills(model, tokenizer, "test", 2, worlds={"places": 1.0})
    assert found["mark_place"][1] > 20


def test_the_shipped_recipe_takes_size_and_seed_through() -> None:
    config = shipped("nano", seed=3, tower_steps=7)
    assert config.base is not None
    assert (config.size, config.seed, config.base.tower_steps) == ("nano", 3, 7)
    assert config.before == config.base.steps


@pytest.mark.parametrize("name", ["state.pt", "tower.pt", "tower-state.pt"])
@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_state_is_named(name, content, tmp_path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=f"{name} is damaged; delete it"):
        pretrain(CONFIG, tmp_path, workers=0)


def test_an_interrupted_tower_ends_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("livr.mini.tower.SAVE_EVERY", 2)
    numbers = shape("test")
    ids = {text: i for i, text in enumerate(SPECIAL_TOKENS)}

    def stop(step: int, loss: float) -> None:
        if step == 3:
            raise StoppedError

    def taught(out, stop_early: bool) -> dict[str, torch.Tensor]:
        out.mkdir(exist_ok=True)
        model = build(numbers, ids, 100, 0)
        listener = stop if stop_early else None
        train_tower(model, numbers, 0, 4, out, on_step=listener, workers=0)
        return model.model.visual.state_dict()

    whole = taught(tmp_path / "whole", False)
    with pytest.raises(StoppedError):
        taught(tmp_path / "part", True)
    assert (tmp_path / "part/tower-state.pt").is_file()
    again = taught(tmp_path / "part", False)
    for name, weight in whole.items():
        torch.testing.assert_close(again[name], weight, rtol=1e-4, atol=1e-6)
    assert not (tmp_path / "part/tower-state.pt").exists()
