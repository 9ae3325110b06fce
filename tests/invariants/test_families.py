"""Laws 1 to 5 on every family, through `livr check`; leaks are refused; the docs say the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

import livr.model.load as loading
from livr.analysis.check import Report, check
from livr.analysis.tokens import layer_masks
from livr.errors import ModelError, UnsupportedModelError
from livr.method import attention
from livr.method.bottleneck import BOTTLENECK, allowed
from livr.method.pieces import Plan
from livr.method.roles import Role
from livr.model.model import Model
from livr.model.probes import probes
from tests.families import BUILDERS, REMOTE, refused, table

UNUSUAL = {"gemma3", "paligemma"}
"""Families whose decoder is not simply causal."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def get(family: str) -> Path:
        if family not in made:
            made[family] = BUILDERS[family](tmp_path_factory.mktemp(family))
        return made[family]

    return get


@pytest.fixture(scope="module")
def report(folder: Callable[[str], Path]) -> Callable[[str], Report]:
    found: dict[str, Report] = {}

    def get(family: str) -> Report:
        if family not in found:
            found[family] = check(str(folder(family)))
        return found[family]

    return get


@pytest.fixture(scope="module", params=BUILDERS)
def model(request: pytest.FixtureRequest, folder) -> Model:
    return loading.load(folder(request.param), num_latents=4, seed=0)


@pytest.mark.parametrize("family", BUILDERS)
def test_every_law_holds(family: str, report) -> None:
    found = report(family)
    assert len(found.findings) == 9
    assert [f for f in found.findings if not f.holds] == []
    assert found.tested


def test_a_broken_law_is_reported(folder, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as sabotage:
        sabotage.setattr(attention, "_make_mask", sdpa_mask)  # the rule never arrives
        found = check(str(folder("qwen3_vl")))
    AttentionMaskInterface.register(attention.NAME, attention._make_mask)
    assert not found.holds and not found.summary()["holds"]
    broken = {f.law for f in found.findings if not f.holds}
    assert "1 blindness" in broken and "2 ordinary = stock" not in broken


def test_the_command_prints_findings_and_exits(folder, tmp_path, livr_command) -> None:
    code, out, _ = livr_command("check", folder("qwen3_vl"), "--json")
    assert code == 0
    assert json.loads(out)["holds"] is True
    leaky = refused.checkpoint("Qwen3.5 (linear attention)", tmp_path / "leaky")
    code, _, err = livr_command("check", leaky)
    assert code == 2
    assert "linear_attention" in err


def test_a_check_takes_less_than_a_minute(folder) -> None:
    start = time.process_time()
    check(str(folder("qwen3_vl")))
    assert time.process_time() - start < 60


def test_no_layer_opens_the_image_to_a_blind_position(model: Model) -> None:
    for side in ("left", "right"):
        batch = model.batch(model.encode(probes(), "keep", answer=True), side)
        rule = allowed(BOTTLENECK, batch.roles_BT)
        blind = (batch.roles_BT == Role.PROMPT) | (batch.roles_BT == Role.ANSWER)
        image, real = batch.roles_BT == Role.IMAGE, batch.roles_BT != Role.PAD
        masks = layer_masks(model, batch)
        assert len(masks) == 3
        for mask in masks:
            assert not bool((mask & blind[:, :, None] & image[:, None, :]).any())
            if model.family.attention == "causal":
                assert torch.equal(mask[real], rule[real])
        if model.family.attention != "causal":
            ordinary = layer_masks(model, batch, "ordinary")
            later = torch.ones_like(rule).triu(1) & image[:, :, None] & image[:, None, :]
            for mask, open_mask in zip(masks, ordinary, strict=True):
                assert bool((mask & later).any())
                assert torch.equal(mask & later, open_mask & later)


def test_pieces_are_used_in_causal_layers_only(model: Model) -> None:
    batch = model.batch(model.encode(probes(), "keep", answer=True))
    given: list[object] = []
    hooks = [
        layer.register_forward_pre_hook(
            lambda module, args, kwargs: given.append(kwargs["attention_mask"]), with_kwargs=True
        )
        for layer in model.hf.get_decoder().layers
    ]
    with torch.no_grad(), model.rule("bottleneck", batch, "pieces"):
        model.hf(**batch.inputs, use_cache=False)
    for hook in hooks:
        hook.remove()
    causal = model.family.attention == "causal"
    assert [isinstance(mask, Plan) for mask in given] == [causal] * 3


BUDGETED = {"qwen2_5_vl", "glm4v", "pixtral", "mistral3", "smolvlm", "idefics3", "internvl"}


@pytest.mark.parametrize("family", sorted(BUDGETED))
def test_a_pixel_budget_means_fewer_image_tokens(family: str, folder) -> None:
    free, bound = (loading.load(folder(family), max_pixels=n) for n in (None, 128))
    many, few = (m.encode(probes()[:1], "keep", False)[0].num_image_tokens for m in (free, bound))
    assert 0 < few < many


@pytest.mark.parametrize("family", ["qwen2_5_vl", "glm4v"])
def test_a_budget_is_the_area_of_an_image(family: str, folder) -> None:
    """Not of the two frames that GLM makes of it."""
    model = loading.load(folder(family), max_pixels=10_000)
    large = Image.new("RGB", (400, 400))
    out = model.processor.image_processor(images=[large], return_tensors="pt")
    _, height, width = out["image_grid_thw"][0].tolist()
    side = model.processor.image_processor.patch_size
    assert 0.7 * 10_000 < height * width * side**2 <= 10_000


@pytest.mark.parametrize("family", ["llava", "llava_next", "llava_onevision", "gemma3"])
def test_a_pixel_budget_where_sizes_are_fixed_is_an_error(family: str, folder) -> None:
    with pytest.raises(ModelError, match="no pixel budget"):
        loading.load(folder(family), max_pixels=256)


@pytest.mark.parametrize("name", refused.CONFIGS)
def test_architectures_that_leak_are_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    words = name.partition("(")[2].partition(" ")[0].rstrip(")").lower()
    reason = {"linear": "linear_attention", "convolution": "conv", "capped": "caps logits"}
    with pytest.raises(UnsupportedModelError, match=reason.get(words, words)):
        loading.load(refused.checkpoint(name, tmp_path / "model"))


def test_code_of_a_checkpoint_runs_on_request_only(tmp_path: Path) -> None:
    folder = REMOTE(tmp_path / "remote")
    with pytest.raises(ModelError, match="--trust-remote-code"):
        loading.load(folder)
    found = check(str(folder), trust_remote_code=True)
    assert not found.tested
    assert [f for f in found.findings if not f.holds] == []


def test_an_unknown_family_that_leaks_is_refused(tmp_path: Path) -> None:
    folder = REMOTE(tmp_path / "leaky", leaks=True)
    with pytest.raises(UnsupportedModelError, match="other pixels still move the answer"):
        loading.load(folder, trust_remote_code=True)


def test_the_support_table_is_what_the_suite_measured(report, tmp_path: Path) -> None:
    reports = {family: report(family) for family in BUILDERS}
    refusals = {
        name: table.refusal(name, tmp_path / str(i)) for i, name in enumerate(refused.CONFIGS)
    }
    page = table.PAGE.read_text(encoding="utf-8")
    assert table.on_page(page) == table.render(reports, refusals), (
        "docs/families.md is out of date: python -m tests.families.table"
    )
