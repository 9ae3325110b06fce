"""The bottleneck: which role may not see which, on top of causal order.

The stage-1 rule of LIVR (rows look, columns are looked at; c = causal, 0 = hidden):

             IMAGE  PROMPT  LATENT  ANSWER
    IMAGE      c      c       c       c
    PROMPT     0      c       c       c
    LATENT     c      c       c       c
    ANSWER     0      c       c       c

In the usual order image, question, latents, answer this is the mask of the paper: the image can
reach the answer through the latents and in no other way. Roles and order are all there is, so
several images, text between them and latents before the question need no further rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import log
from types import MappingProxyType

import torch
from torch import Tensor

from livr.errors import ConfigError
from livr.method.roles import Role


@dataclass(frozen=True)
class Policy:
    """An attention rule about roles.

    Attributes:
        name: How recipes and result files call it.
        hidden: Pairs (query role, key role) that must not attend, whatever their order.
        source: Where the rule comes from.
        openness: Factor on the softmax weight of hidden pairs: 0 hides them, 1 would be no rule.
    """

    name: str
    hidden: frozenset[tuple[Role, Role]]
    source: str
    openness: float = 0.0

    def opened(self, openness: float) -> Policy:
        """The same rule with its hidden pairs let through by a factor in [0, 1] (ours)."""
        return replace(self, openness=openness) if openness < 1 else ORDINARY

    def log_gates(self) -> Tensor:
        """(5, 5) float, what to add to the scores of [query role, key role]: log of the factor."""
        gates = torch.zeros(len(Role), len(Role))
        for query, key in self.hidden:
            gates[query, key] = log(self.openness) if self.openness else -torch.inf
        return gates

    def hidden_from(self, query: Role) -> frozenset[Role]:
        """Key roles that positions with the role `query` cannot see."""
        return frozenset(k for q, k in self.hidden if q is query)

    def table(self) -> Tensor:
        """(5, 5) bool, entry [query role, key role] is True where attention is allowed.

        Padding is looked at by padding alone, so that no row of `allowed` is empty; nothing reads
        those rows.
        """
        table = torch.ones(len(Role), len(Role), dtype=torch.bool)
        for query, key in self.hidden:
            table[query, key] = False
        table[:, Role.PAD] = False
        table[Role.PAD, Role.PAD] = True
        return table


ORDINARY = Policy("ordinary", frozenset(), "causal attention; stage 2 and inference, paper 3.2")
BOTTLENECK = Policy(
    "bottleneck",
    frozenset({(Role.PROMPT, Role.IMAGE), (Role.ANSWER, Role.IMAGE)}),
    "stage 1, paper 3.2",
)
ANSWER_BLIND = Policy(
    "answer_blind",
    frozenset({(Role.ANSWER, Role.IMAGE)}),
    "mask ablation: hide the image from the answer only",
)
LATENTS_UNPROMPTED = Policy(
    "latents_unprompted",
    BOTTLENECK.hidden | {(Role.LATENT, Role.PROMPT)},
    "mask ablation: bottleneck that also hides the prompt from the latents",
)

POLICIES: Mapping[str, Policy] = MappingProxyType(
    {p.name: p for p in (ORDINARY, BOTTLENECK, ANSWER_BLIND, LATENTS_UNPROMPTED)}
)


def policy(name: str) -> Policy:
    """The policy called `name`.

    Raises:
        ConfigError: There is none; the message lists those that exist.
    """
    if name not in POLICIES:
        raise ConfigError(f"unknown attention mask {name!r}; choose one of {', '.join(POLICIES)}")
    return POLICIES[name]


def allowed(rule: Policy, roles_BT: Tensor) -> Tensor:
    """The whole mask of a batch.

    Args:
        rule: The policy.
        roles_BT: Roles as `roles.tag` gives them.

    Returns:
        (B, T, T) bool, [b, q, k] is True where position q of sequence b may look at k.

    >>> from livr.method.roles import Role as R
    >>> roles = torch.tensor([[R.IMAGE, R.PROMPT, R.LATENT, R.ANSWER]])
    >>> allowed(BOTTLENECK, roles)[0].int().tolist()
    [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1]]
    """
    tokens = roles_BT.shape[1]
    causal_QK = torch.ones(tokens, tokens, dtype=torch.bool, device=roles_BT.device).tril()
    table = rule.table().to(roles_BT.device)
    return table[roles_BT[:, :, None], roles_BT[:, None, :]] & causal_QK
