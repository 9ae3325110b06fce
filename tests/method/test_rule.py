"""Roles and the rule, asserted as the matrices the paper draws."""

from __future__ import annotations

import doctest

import pytest
import torch

from livr.errors import ConfigError
from livr.method import bottleneck, latents
from livr.method.bottleneck import (
    ANSWER_BLIND,
    BOTTLENECK,
    LATENTS_UNPROMPTED,
    ORDINARY,
    POLICIES,
    allowed,
)
from livr.method.roles import Role, tag

I, P, L, A, N = Role.IMAGE, Role.PROMPT, Role.LATENT, Role.ANSWER, Role.PAD  # noqa: E741


def matrix(policy: bottleneck.Policy, *roles: Role) -> list[str]:
    mask = allowed(policy, torch.tensor([roles]))[0]
    return ["".join("#" if x else "." for x in row) for row in mask.tolist()]


def test_the_bottleneck_is_the_mask_of_the_paper() -> None:
    #            start image image question latents header answer
    roles = (P, I, I, P, L, L, P, A)
    assert matrix(BOTTLENECK, *roles) == [
        "#.......",
        "##......",
        "###.....",
        "#..#....",
        "#####...",
        "######..",
        "#..####.",
        "#..#####",
    ]


def test_ordinary_is_causal() -> None:
    assert matrix(ORDINARY, I, P, L, A) == ["#...", "##..", "###.", "####"]


def test_mask_ablations() -> None:
    assert matrix(ANSWER_BLIND, I, P, L, A) == ["#...", "##..", "###.", ".###"]
    assert matrix(LATENTS_UNPROMPTED, I, P, L, A) == ["#...", ".#..", "#.#.", ".###"]


def test_several_images_latents_first_and_padding() -> None:
    assert matrix(BOTTLENECK, N, I, L, P, I, P, A) == [
        "#......",
        ".#.....",
        ".##....",
        "..##...",
        ".####..",
        "..##.#.",
        "..##.##",
    ]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda p: p.name)
def test_no_position_is_left_without_anything_to_look_at(policy) -> None:
    roles = torch.randint(0, 5, (64, 24), generator=torch.Generator().manual_seed(0))
    rows = allowed(policy, roles)
    assert rows[roles != N].any(-1).all()


def test_tagging() -> None:
    ids = torch.tensor([[9, 5, 7, 7, 5, 100, 101, 3, 4]])
    valid = torch.tensor([[0, 1, 1, 1, 1, 1, 1, 1, 1]])
    answer = torch.zeros(1, 9, dtype=torch.bool)
    answer[0, -1] = True
    roles = tag(ids, valid, answer, image_ids=[7], latent_ids=range(100, 102))
    assert roles.tolist() == [[N, P, I, I, P, L, L, P, A]]


def test_an_answer_that_quotes_an_image_token_is_still_an_answer() -> None:
    ids = torch.tensor([[7, 7]])
    answer = torch.tensor([[False, True]])
    assert tag(ids, torch.ones_like(ids), answer, [7], []).tolist() == [[I, A]]


def test_unknown_policy() -> None:
    with pytest.raises(ConfigError, match="choose one of ordinary, bottleneck"):
        bottleneck.policy("blind")


@pytest.mark.parametrize("module", [bottleneck, latents])
def test_examples_in_docstrings(module) -> None:
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
