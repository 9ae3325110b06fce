"""States of latent, image and text positions inside the language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from livr.analysis.inside.questions import Questions
from livr.method.roles import Role

Depth = Literal["last_read", "final"]


@dataclass(frozen=True)
class States:
    """One layer's states for N questions.

    Attributes:
        latents_NKD: Each latent.
        image_ND: Mean over image positions.
        text_ND: Mean over the text of the prompt after the images and before the latents.
        image_NPD: P image positions, drawn at random.
        text_NPD: P such text positions, drawn at random.
    """

    latents_NKD: Tensor
    image_ND: Tensor
    text_ND: Tensor
    image_NPD: Tensor
    text_NPD: Tensor


@torch.no_grad()
def read_states(
    questions: Questions,
    mask: str = "ordinary",
    depth: Depth = "last_read",
    picks: int = 4,
    seed: int = 0,
) -> States:
    """States under the rule called `mask`.

    Args:
        questions: What is asked.
        mask: Attention rule by name.
        depth: `last_read` is the input of the last layer, the last state of a latent that any
            other position can read; `final` is the model's last hidden state (paper, Fig. 4).
        picks: Positions drawn per question for `image_NPD` and `text_NPD`.
        seed: Seed of the draw.
    """
    generator = torch.Generator().manual_seed(seed)
    rows: list[tuple[Tensor, ...]] = []
    for chunk in questions.chunks():
        batch = questions.batch(chunk, answer=False)
        with questions.model.rule(mask, batch):
            out = questions.model.hf(
                **batch.inputs, logits_to_keep=1, use_cache=False, output_hidden_states=True
            )
        layer_BTD = out.hidden_states[-1 if depth == "final" else -2].float().cpu()
        for state_TD, roles_T in zip(layer_BTD, batch.roles_BT.cpu(), strict=True):
            image_PD = state_TD[roles_T == Role.IMAGE]
            text_PD = state_TD[question_positions(roles_T)]
            rows.append(
                (
                    state_TD[roles_T == Role.LATENT],
                    image_PD.mean(0),
                    text_PD.mean(0),
                    _pick(image_PD, picks, generator),
                    _pick(text_PD, picks, generator),
                )
            )
    return States(*(torch.stack(column) for column in zip(*rows, strict=True)))


def question_positions(roles_T: Tensor) -> Tensor:
    """(T,) bool: prompt positions after the last image and, as a rule, before the latents.

    Positions after the latents (the assistant's header) are left out: they have read them.
    """
    order_T = torch.arange(len(roles_T))
    is_text_T = roles_T == Role.PROMPT
    images = (roles_T == Role.IMAGE).nonzero()
    latents = (roles_T == Role.LATENT).nonzero()
    after = int(images.max()) if len(images) else -1
    before = int(latents.min()) if len(latents) else len(roles_T)
    asked_T = is_text_T & (order_T > after) & (order_T < before)
    # With latents before the question, or images inside it, little or nothing is left.
    return asked_T if int(asked_T.sum()) > 2 else is_text_T


def _pick(state_PD: Tensor, picks: int, generator: torch.Generator) -> Tensor:
    index = torch.randint(len(state_PD), (picks,), generator=generator)
    return state_PD[index]
