"""One step of pre-training: scores, and which answers they get right."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from livr.mini.phases import Phase
from livr.mini.shape import shape
from livr.mini.steps import in_order
from livr.mini.stream import LessonBatch, Lessons
from livr.mini.worlds import KNOWN, WORLDS


def lesson_logits(model: Any, batch: LessonBatch) -> Tensor:
    """Scores of every supervised token, (N, V); of notes, those after the layer of the batch."""
    out = model.model(
        input_ids=batch.ids_BT,
        pixel_values=batch.pixels,
        image_grid_thw=batch.grids,
        position_ids=batch.positions_3BT,
        attention_mask=batch.mask_B1TT,
        use_cache=False,
        output_hidden_states=True,
    )
    hidden_BTD = out.last_hidden_state
    if 0 < batch.notes < len(model.model.language_model.layers):
        early_BTD = model.model.language_model.norm(out.hidden_states[batch.notes])
        pictured_BT = batch.ids_BT == model.config.image_token_id
        hidden_BTD = torch.where(pictured_BT[..., None], early_BTD, hidden_BTD)
    logits: Tensor = model.lm_head(hidden_BTD[batch.supervised_BT])
    return logits


def answers_right(logits_NV: Tensor, batch: LessonBatch) -> Tensor:
    """True for each answer of which every token would have been generated."""
    counted = batch.answer_N >= 0
    hit_N = logits_NV.argmax(-1) == batch.targets_N
    right = torch.ones(len(batch.skills), dtype=torch.long)
    right.scatter_reduce_(0, batch.answer_N[counted], hit_N[counted].long(), "amin")
    return right.bool()


@torch.no_grad()
def measure_skills(
    model: Any,
    tokenizer: PreTrainedTokenizerFast,
    size: str,
    steps: int = 40,
    worlds: dict[str, float] | None = None,
    share: float = 1.0,
) -> dict[str, tuple[int, int]]:
    """Right answers and questions per skill, on pictures kept out of training.

    `worlds` are the kinds of scene to ask about, all by default; `share` is the size of a step as
    a share of the usual one.
    """
    mixture = worlds or dict.fromkeys(WORLDS, 1.0)
    made = {count for name in mixture for count in KNOWN[name][1]}
    one, two, three = (share * (k in made) for k, share in enumerate((0.4, 0.3, 0.3), start=1))
    phase = Phase(steps=steps, worlds=mixture, shares=(one, two, three), questions=12)
    lessons = Lessons(tokenizer, shape(size), 10_007, (phase,), ("val",), share)
    found: dict[str, list[bool]] = defaultdict(list)
    model.eval()
    for batch in in_order(lessons, 0, steps):
        right = answers_right(lesson_logits(model, batch), batch).tolist()
        for skill, is_right in zip(batch.skills, right, strict=True):
            found[skill].append(is_right)
    return {skill: (sum(hits), len(hits)) for skill, hits in sorted(found.items())}
