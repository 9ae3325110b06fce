"""Arms of the paper that give something else in the latents' place: images again, rows alone."""

from __future__ import annotations

import pytest
import torch

import livr.model.load as loading
from livr.config import TrainConfig
from livr.method.roles import Role
from livr.method.variants import variant
from livr.model.model import Model
from livr.train.equip import equip
from livr.train.run import train
from tests import tiny
from tests.invariants.test_law1_blindness import other_pixels


@pytest.fixture(params=tiny.FAMILIES)
def twice(request: pytest.FixtureRequest, checkpoints) -> Model:
    model = loading.load(checkpoints(request.param))
    equip(model, variant("image_twice_livr"), TrainConfig())
    return model


def test_images_come_again_after_the_question_in_the_latents_role(twice) -> None:
    once = loading.load(twice.source)
    for example in tiny.examples():
        rows = [m.encode([example], "keep", answer=True)[0] for m in (once, twice)]
        assert rows[1].num_image_tokens == 2 * rows[0].num_image_tokens
        roles = [m.batch([r]).roles_BT[0] for m, r in zip((once, twice), rows, strict=True)]
        assert (roles[1] == Role.LATENT).sum() == rows[0].num_image_tokens
        assert (roles[1] == Role.IMAGE).sum() == rows[0].num_image_tokens
        last_first = (roles[1] == Role.IMAGE).nonzero().max()
        first_again = (roles[1] == Role.LATENT).nonzero().min()
        between = roles[1][last_first + 1 : first_again]
        assert (between == Role.PROMPT).all()
        assert len(between) >= len(example.question.rpartition("<image>")[2])
        # Everything before the second look is the ordinary prompt, up to the turn's end.
        cut = rows[0].answer_start // 2
        assert torch.equal(rows[0].ids_T[:cut], rows[1].ids_T[:cut])


@pytest.mark.parametrize("evaluation", ["mask", "pieces"])
def test_the_second_look_is_the_only_road_under_the_bottleneck(twice, evaluation) -> None:
    asked, options = tiny.examples(), {"mask": "bottleneck", "evaluation": evaluation}
    before, after = (twice.logits(e, **options) for e in (asked, other_pixels(asked)))
    assert all((a - b).abs().max() > 1e-4 for a, b in zip(before, after, strict=True))
    before, after = (
        twice.logits(e, latents="drop", **options) for e in (asked, other_pixels(asked))
    )
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_pieces_equal_the_mask(twice) -> None:
    pair = [
        twice.logits(tiny.examples(), "bottleneck", evaluation=e, side=side)
        for e, side in (("mask", "left"), ("pieces", "left"), ("pieces", "right"))
    ]
    for other in pair[1:]:
        for a, b in zip(pair[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["image_twice_livr", "prompt_tuning"])
def test_a_saved_run_is_the_trained_model(method, checkpoints, tmp_path) -> None:
    model = loading.load(checkpoints("qwen3_vl"))
    values = {
        "method": method,
        "epochs": [1.0] * len(variant(method).stages),
        "model": str(checkpoints("qwen3_vl")),
        "data": tiny.dataset(tmp_path / "data"),
        "out": tmp_path / "run",
        "latents": {"num": 4},
        "checkpoint": "last",
        "optim": {"lr": 1e-2, "batch_size": 4},
    }
    train(TrainConfig.model_validate(values), model=model)
    again = loading.load(tmp_path / "run")
    for mask in ("ordinary", "bottleneck"):
        pair = zip(
            model.logits(tiny.examples(), mask), again.logits(tiny.examples(), mask), strict=True
        )
        assert all(torch.equal(a, b) for a, b in pair)
    names = {p.name for p in (tmp_path / "run" / "adapter").iterdir()}
    assert ("adapter_model.safetensors" in names) == (method == "image_twice_livr")
    assert ("latents.safetensors" in names) == (method == "prompt_tuning")
    assert "decoder.safetensors" not in names
