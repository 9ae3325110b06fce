"""The families that the test suite proves, and the few things in which they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Attention = Literal["causal", "image blocks", "prefix"]
"""How the decoder attends before any rule of ours:

causal          every position sees what came before
image blocks    positions of one image also see each other, whatever their order
prefix          the whole prompt sees itself, whatever the order; answers are causal
"""


@dataclass(frozen=True)
class Family:
    """One model family of transformers.

    Attributes:
        model_type: `model_type` of its configuration.
        name: How people call it.
        example: A published checkpoint.
        attention: How its decoder attends. With anything but "causal" a rule is evaluated with a
            mask, whatever the setting.
        template: Chat template for checkpoints that bring none.
        answer_type: Token type of answers, for families that want token types.
        frames: As how many images of one the family's image processor counts in a pixel budget.
        known: Whether the test suite proves it; others must pass the self-test when loaded.
        remark: What a user should know.
    """

    model_type: str
    name: str
    example: str
    attention: Attention = "causal"
    template: str | None = None
    answer_type: int = 0
    frames: int = 1
    known: bool = True
    remark: str = ""


_PLAIN_TEMPLATE = (
    "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for c in m.content %}{% if c.type == 'image' %}<image>{% else %}{{ c.text }}{% endif %}"
    "{% endfor %}{% endif %}{% endfor %}"
)

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.model_type: family
        for family in (
            Family("qwen2_vl", "Qwen2-VL", "Qwen/Qwen2-VL-2B-Instruct"),
            Family("qwen2_5_vl", "Qwen2.5-VL", "Qwen/Qwen2.5-VL-3B-Instruct"),
            Family("qwen3_vl", "Qwen3-VL", "Qwen/Qwen3-VL-4B-Instruct"),
            Family(
                "qwen3_vl_moe",
                "Qwen3-VL-MoE",
                "Qwen/Qwen3-VL-30B-A3B-Instruct",
                remark="LoRA trains attention only: experts and router are not linear layers but "
                "3-D and plain parameters, and stay frozen",
            ),
            Family(
                "llava_onevision", "LLaVA-OneVision", "llava-hf/llava-onevision-qwen2-0.5b-ov-hf"
            ),
            Family(
                "llava",
                "LLaVA, Pixtral",
                "llava-hf/llava-1.5-7b-hf",
                remark="LLaVA 1.5 learned from single images; several work, out of its habit",
            ),
            Family("llava_next", "LLaVA-NeXT", "llava-hf/llava-v1.6-mistral-7b-hf"),
            Family(
                "smolvlm",
                "SmolVLM",
                "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
                remark="num2words is not needed: the video half of its processor is left out",
            ),
            Family("idefics3", "Idefics3", "HuggingFaceM4/Idefics3-8B-Llama3"),
            Family("internvl", "InternVL3", "OpenGVLab/InternVL3-1B-hf"),
            Family(
                "gemma3",
                "Gemma 3",
                "google/gemma-3-4b-it",
                attention="image blocks",
                remark="sliding windows stay in force: a latent further from the image than the "
                "window sees it in the layers with full attention only",
            ),
            Family(
                "paligemma",
                "PaliGemma",
                "google/paligemma-3b-mix-224",
                attention="prefix",
                template=_PLAIN_TEMPLATE,
                answer_type=1,
                remark="the prompt sees the latents too, since it attends in both directions; "
                "has no chat template, so images and text are simply put in order",
            ),
            Family("mistral3", "Mistral 3", "mistralai/Mistral-Small-3.1-24B-Instruct-2503"),
            # It doubles an image in time, and counts both.
            Family("glm4v", "GLM-4V", "zai-org/GLM-4.1V-9B-Thinking", frames=2),
        )
    }
)


def family_of(model_type: str) -> Family:
    """The family with a `model_type`; an unknown one has no peculiarities.

    >>> family_of("qwen3_vl").name, family_of("something_new").known
    ('Qwen3-VL', False)
    """
    return FAMILIES.get(model_type, Family(model_type, model_type, "", known=False))
