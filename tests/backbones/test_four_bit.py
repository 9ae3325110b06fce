"""Four bits: refused before any work where they cannot work, and what would be quantised."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from tests import tiny
from tests.families import REMOTE
from torch import nn
from transformers import AutoConfig
from transformers.quantizers.quantizers_utils import should_convert_module

import livr
from livr.backbones import four_bit
from livr.backbones.backbone import decoder_prefix, empty_model, load_backbone
from livr.config import TrainConfig, build
from livr.errors import ConfigError
from livr.model.adapter import add_lora
from livr.model.model import Model
from livr.train.plan import plan_run
from livr.train.run import train

HERE = torch.cuda.is_available() and find_spec("bitsandbytes") is not None


@pytest.mark.skipif(HERE, reason="this machine can do it")
def test_refused_before_any_work(tmp_path, livr_command) -> None:
    """Neither model nor data exist, and nobody gets so far as to notice."""
    config = TrainConfig(
        model="no/model", data=tmp_path / "none", out=tmp_path / "run", load_in_4bit=True
    )
    for work in (train, plan_run):
        with pytest.raises(ConfigError, match=r"needs a CUDA GPU.*dtype=bfloat16"):
            work(config)
    with pytest.raises(ConfigError, match="needs a CUDA GPU"):
        livr.load("no/model", load_in_4bit=True)
    words = ("train", "sft", "--data", tmp_path, "--set", "load_in_4bit=true")
    code, _, err = livr_command(*words)
    assert code == 2
    assert "load_in_4bit=false" in err
    assert list(tmp_path.iterdir()) == []


def test_the_message_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(four_bit, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install -e '.\[qlora\]'"):
        four_bit.need_four_bit()


def test_what_trains_is_not_quantised() -> None:
    with pytest.raises(ConfigError, match="weights in four bits cannot train"):
        build(TrainConfig, {"load_in_4bit": True, "tune": "full"}, "recipe.yaml")


@pytest.mark.parametrize("family", [*tiny.FAMILIES, "remote"])
def test_the_decoder_and_nothing_else_is_quantised(family, checkpoints, tmp_path) -> None:
    """With transformers' own reading of the settings."""
    remote = family == "remote"
    folder = REMOTE(tmp_path / "remote") if remote else checkpoints(family)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=remote)
    empty = empty_model(config, remote)
    assert {p.device.type for p in empty.parameters()} == {"meta"}
    settings = four_bit.four_bit_settings(empty, torch.bfloat16)
    assert settings.load_in_4bit and settings.bnb_4bit_quant_type == "nf4"
    assert settings.bnb_4bit_compute_dtype == torch.bfloat16
    inside = decoder_prefix(empty) + "."
    linear = [name for name, m in empty.named_modules() if isinstance(m, nn.Linear)]
    chosen = {n for n in linear if should_convert_module(n, settings.llm_int8_skip_modules)}
    assert chosen == {n for n in linear if n.startswith(inside)}
    assert 0 < len(chosen) < len(linear)


def test_lora_trains_on_a_base_in_four_bits(checkpoints) -> None:
    """The real thing; recent versions of bitsandbytes can do it on a CPU, slowly."""
    bitsandbytes = pytest.importorskip("bitsandbytes", reason="needs the extra `qlora`")
    folder = str(checkpoints("qwen3_vl"))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    whole = livr.load(folder, dtype="float32", device=device)
    hf = load_backbone(folder, torch.float32, device, four_bit=True)
    inside = decoder_prefix(hf) + "."
    packed = {n for n, m in hf.named_modules() if isinstance(m, bitsandbytes.nn.Linear4bit)}
    linear = {n for n, m in hf.named_modules() if isinstance(m, nn.Linear)}
    assert packed == {n for n in linear if n.startswith(inside)}
    counts = [sum(map(four_bit.weight_count, one.parameters())) for one in (hf, whole.hf)]
    assert counts[0] == counts[1]
    model = Model(hf, whole.processor, folder)
    add_lora(model, TrainConfig().lora)
    batch = model.batch(model.encode(tiny.examples(), "keep", answer=True))
    model.answer_logits(batch).float().logsumexp(-1).sum().backward()
    moved = {n for n, p in model.hf.named_parameters() if p.grad is not None}
    assert moved and all(".lora_" in n for n in moved)
    before, after = whole.logits(tiny.examples()), model.logits(tiny.examples())
    close = torch.nn.functional.cosine_similarity(torch.cat(before), torch.cat(after), dim=-1)
    assert 0.8 < close.mean() < 0.9999
