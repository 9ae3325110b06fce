"""The audit's first test holds a model to the bit, mixtures of experts to rounding."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image

from livr.analysis.audit import blindness
from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding
from livr.data.example import Example


class Stub:
    """A model whose logits move with the pixels: by `leak` where the image is hidden, else by 1."""

    def __init__(self, experts: int | None, leak: float) -> None:
        text = SimpleNamespace(num_experts=experts)
        self.hf = SimpleNamespace(config=SimpleNamespace(get_text_config=lambda decoder: text))
        self.leak = leak

    def logits(
        self, examples: Sequence[Example], mask: str, latents: str, **_: Any
    ) -> list[torch.Tensor]:
        step = self.leak if (mask, latents) == ("bottleneck", "drop") else 1.0
        bright = [float(e.images[0].getpixel((0, 0))[0]) / 255 for e in examples]
        return [torch.full((2, 5), step * value) for value in bright]


def found(experts: int | None, leak: float) -> Finding:
    black = Image.new("RGB", (8, 8))
    asked = [Example(id=str(i), images=(black,), question="?", answer="1") for i in range(3)]
    questions = SimpleNamespace(model=Stub(experts, leak), examples=asked, on_step=None)
    (finding,) = blindness.run(Case(questions))
    return finding


def test_a_mixture_of_experts_may_round_and_no_other_model() -> None:
    mixture, dense = found(4, 1e-5), found(None, 1e-5)
    assert mixture.verdict == "pass"
    assert mixture.measured.startswith("0 of 3 changed by more than rounding (0.001)")
    assert dense.verdict == "fail"
    assert dense.measured.startswith("3 of 3 changed by a bit")


@pytest.mark.parametrize("experts", [None, 4])
def test_a_leak_is_found_and_blindness_too(experts: int | None) -> None:
    assert found(experts, 0.01).verdict == "fail"
    assert found(experts, float("nan")).verdict == "fail"
    assert found(experts, 0.0).verdict == "pass"
