"""A token has a role; the bottleneck is a rule about roles; everything else serves that.

Shape legend used throughout this package:
    B batch, T tokens of a sequence, Q query positions, K key positions,
    N latents, D hidden size, H heads.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

import torch
from torch import Tensor


class Role(IntEnum):
    """What a position of the sequence is for.

    PROMPT is everything that is none of the others: the question, the chat template, markers
    around images, text between images, and the assistant header after the latents. Markers must
    not count as IMAGE: a position that is blind to the image may still see them.
    """

    PAD = 0
    IMAGE = 1
    PROMPT = 2
    LATENT = 3
    ANSWER = 4


def tag(
    ids_BT: Tensor,
    valid_BT: Tensor,
    answer_BT: Tensor,
    image_ids: Collection[int],
    latent_ids: Collection[int],
) -> Tensor:
    """Give every position its role.

    Args:
        ids_BT: Token ids, integer.
        valid_BT: True or 1 where the position is not padding.
        answer_BT: True where the position belongs to the answer.
        image_ids: Ids of the placeholders that image features replace.
        latent_ids: Ids of the latents.

    Returns:
        roles_BT, int64, values of `Role`. Padding wins over everything, the answer over the rest.

    Source: METHOD section 1 (paper 3.2).
    """
    roles_BT = torch.full_like(ids_BT, int(Role.PROMPT), dtype=torch.long)
    for ids, role in ((image_ids, Role.IMAGE), (latent_ids, Role.LATENT)):
        wanted = torch.tensor(sorted(ids), dtype=ids_BT.dtype, device=ids_BT.device)
        roles_BT = roles_BT.masked_fill(torch.isin(ids_BT, wanted), int(role))
    roles_BT = roles_BT.masked_fill(answer_BT.bool(), int(Role.ANSWER))
    return roles_BT.masked_fill(~valid_BT.bool(), int(Role.PAD))


def exempt(roles_BT: Tensor, exempt_B: Tensor) -> Tensor:
    """Lift the rule from some sequences of a batch by giving all their positions one role.

    A policy hides roles from other roles, so a sequence of one role is plain causal (ours).
    """
    free_BT = exempt_B.to(roles_BT.device)[:, None] & (roles_BT != Role.PAD)
    return roles_BT.masked_fill(free_BT, int(Role.ANSWER))
