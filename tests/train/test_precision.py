"""bfloat16: frozen weights are rounded, what trains is not, and the run can be exported."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import livr
import livr.model.load as loading
from livr.config import TrainConfig, build
from livr.errors import ConfigError
from livr.model.adapter import add_lora, load_adapter, save_adapter
from livr.train.estimate import Sizes, find_gpu, gpu_memory, step_seconds
from livr.train.run import train
from livr.train.start import load_base
from tests import tiny
from tests.export.conftest import in_process  # noqa: F401


def test_what_trains_is_never_bfloat16() -> None:
    """Steps of 1e-5 are lost in it, so auto must not choose it and nobody may."""
    assert TrainConfig(tune="full").precision == "float32"
    assert TrainConfig().precision == "auto"
    assert TrainConfig(dtype="bfloat16").precision == "bfloat16"
    with pytest.raises(ConfigError, match="dtype=bfloat16: with tune=full"):
        build(TrainConfig, {"tune": "full", "dtype": "bfloat16"}, "recipe.yaml")


def test_a_tuned_model_is_loaded_in_float32_where_auto_is_bfloat16(
    checkpoints, monkeypatch
) -> None:
    monkeypatch.setattr(loading, "_dtype", _as_on_a_gpu)
    base = str(checkpoints("qwen3_vl"))
    for tune, dtype in (("full", torch.float32), ("lora", torch.bfloat16)):
        assert load_base(TrainConfig(model=base, tune=tune)).hf.dtype == dtype


def _as_on_a_gpu(name: str, device: torch.device) -> torch.dtype:
    return torch.float32 if name == "float32" else torch.bfloat16


def test_a_loaded_model_in_bfloat16_is_not_tuned(checkpoints, tmp_path) -> None:
    model = livr.load(checkpoints("qwen3_vl"), dtype="bfloat16")
    data = tiny.dataset(tmp_path / "data")
    with pytest.raises(ConfigError, match="dtype=bfloat16: with tune=full"):
        livr.train(model, data, out=tmp_path / "run", settings=["tune=full"])


def test_a_tuned_model_is_estimated_in_float32() -> None:
    """16 bytes for what trains, 4 for the rest, and no bfloat16 units for its products."""
    lora = Sizes(7 * 10**9, 5 * 10**8, 6 * 10**8, 82 * 10**8, 4 * 10**7, 28, 3584, False)
    full = replace(lora, trainable=7 * 10**9, tuned=True)
    assert gpu_memory(full, 0, 0) > 16 * full.trainable + 4 * (full.total - full.trainable)
    card = find_gpu("A100")
    assert step_seconds(card, full, 1e15, 8) > 10 * step_seconds(card, lora, 1e15, 8)


def test_lora_is_loaded_as_it_was_trained(checkpoints, tmp_path) -> None:
    """On a bfloat16 base too: rounded it would be another model."""
    base = checkpoints("qwen3_vl")
    model = livr.load(base, dtype="bfloat16")
    add_lora(model, TrainConfig().lora)
    for name, weight in model.hf.named_parameters():
        if ".lora_" in name:
            weight.data = torch.randn_like(weight) / 10
    save_adapter(model, tmp_path / "adapter")
    again = livr.load(base, dtype="bfloat16")
    load_adapter(again, tmp_path / "adapter")
    expected, found = (
        {n: p for n, p in m.hf.named_parameters() if ".lora_" in n} for m in (model, again)
    )
    assert expected.keys() == found.keys()
    for name, weight in expected.items():
        assert found[name].dtype == torch.float32
        assert torch.equal(found[name], weight), name


def test_four_bits_save_memory() -> None:
    """Eight GiB of the decoder's fourteen, for seven billion weights."""
    size = Sizes(7 * 10**9, 5 * 10**8, 6 * 10**8, 82 * 10**8, 4 * 10**7, 28, 3584, False)
    half, four = (gpu_memory(size, 0, 0, four_bit) for four_bit in (False, True))
    assert 7 * 2**30 < half - four < 10 * 2**30


@pytest.mark.usefixtures("in_process")
def test_bfloat16_trains_and_exports(checkpoints, tmp_path) -> None:
    config = TrainConfig.model_validate(
        {
            "model": str(checkpoints("qwen3_vl")),
            "data": tiny.dataset(tmp_path / "data"),
            "out": tmp_path / "run",
            "epochs": [1, 1],
            "latents": {"num": 4},
            "dtype": "bfloat16",
            "checkpoint": "last",
            "optim": {"lr": 1e-4, "batch_size": 4},
        }
    )
    run = train(config)
    before = livr.load(config.model, num_latents=4, dtype="bfloat16", seed=config.seed)
    model = livr.load(run.path, dtype="bfloat16")
    kinds = {".lora_" in name: weight.dtype for name, weight in model.hf.named_parameters()}
    assert kinds[False] == torch.bfloat16
    rows, first = model.latents.rows, before.latents.rows
    assert rows.dtype == torch.float32
    # Steps of this size are lost in bfloat16, so the rows kept their own precision.
    assert 0 < (rows - first).abs().max() < 2e-3
    assert (rows.bfloat16() == first.bfloat16()).float().mean() > 0.5
    assert len(model.generate(tiny.examples())) == 3
    done = livr.export(run, tmp_path / "out", dtype="bfloat16")
    assert done.dtype == "bfloat16"
    assert done.verification.merge_difference < 1e-3 * done.verification.logit_deviation
