"""bfloat16: frozen weights are rounded, what trains is not, and the run can be exported."""

from __future__ import annotations

import pytest
import torch

import livr
from livr.config import TrainConfig
from livr.train.estimate import Sizes, gpu_memory
from livr.train.run import train
from tests import tiny
from tests.export.conftest import in_process  # noqa: F401


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
