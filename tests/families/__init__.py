"""Tiny random checkpoints of every family, each an ordinary folder with its real processor.

Sizes are tiny; classes, file layouts, placeholders and the shape of the chat templates are those
of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.families import gemma, idefics, llava, lookalike, mistral, qwen

BUILDERS: dict[str, Callable[[Path], Path]] = {
    builder.__name__: builder
    for builder in (
        qwen.qwen2_vl,
        qwen.qwen2_5_vl,
        qwen.qwen3_vl,
        qwen.qwen3_vl_moe,
        llava.llava_onevision,
        llava.llava,
        mistral.pixtral,
        llava.llava_next,
        idefics.smolvlm,
        idefics.idefics3,
        llava.internvl,
        gemma.gemma3,
        gemma.paligemma,
        mistral.mistral3,
        qwen.glm4v,
    )
}
"""One tiny checkpoint per family; Pixtral comes in LLaVA's class."""

REMOTE = lookalike.checkpoint
"""A checkpoint with code of its own, in the shape of LLaVA-OneVision-1.5."""
