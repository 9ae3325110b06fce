"""What a stage does to its rule, its roles and its prompts."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from livr.config import LatentsConfig, OptimConfig, TrainConfig
from livr.method import stages
from livr.method.bottleneck import BOTTLENECK, ORDINARY, POLICIES, allowed
from livr.method.roles import Role, exempt
from livr.method.stages import Stage, cosine
from livr.method.variants import VARIANTS, variant
from livr.train.equip import stages_of
from livr.train.stage import arguments

ROLES = torch.randint(0, 5, (64, 24), generator=torch.Generator().manual_seed(0))


def test_examples_in_docstrings() -> None:
    result = doctest.testmod(stages)
    assert result.attempted
    assert not result.failed


def test_the_gate_opens_from_the_rule_to_no_rule() -> None:
    stage = Stage("stage1", BOTTLENECK, gate=cosine)
    assert stage.rule(0.0) == BOTTLENECK
    assert stage.rule(1.0) == ORDINARY
    open_ = [stage.rule(t / 10).openness for t in range(10)]
    assert open_ == sorted(open_)
    assert stage.rule(0.5).openness == pytest.approx(0.5)
    assert Stage("stage1", BOTTLENECK).rule(0.9) == BOTTLENECK


def test_log_gates_are_zero_where_a_policy_allows() -> None:
    gates = BOTTLENECK.opened(0.25).log_gates()
    assert gates[Role.ANSWER, Role.IMAGE] == pytest.approx(torch.log(torch.tensor(0.25)).item())
    assert gates[Role.LATENT, Role.IMAGE] == 0
    assert (gates != 0).sum() == len(BOTTLENECK.hidden)
    assert BOTTLENECK.log_gates()[Role.PROMPT, Role.IMAGE] == -torch.inf


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda p: p.name)
def test_an_exempt_sequence_is_causal_under_every_policy(policy) -> None:
    free = torch.arange(64) % 2 == 0
    rows = allowed(policy, exempt(ROLES, free))
    real = (ROLES != Role.PAD)[:, :, None]
    assert torch.equal((rows & real)[free], (allowed(ORDINARY, ROLES) & real)[free])
    assert torch.equal(rows[~free], allowed(policy, ROLES)[~free])


def test_shares() -> None:
    """0 and 1 are the pure stages; between them examples are drawn anew each time."""
    assert Stage("s", BOTTLENECK, share=1.0).roles(ROLES) is ROLES
    none = Stage("s", BOTTLENECK, share=0.0).roles(ROLES)
    assert set(none.unique().tolist()) == {Role.PAD, Role.ANSWER}
    assert torch.equal(none == Role.PAD, ROLES == Role.PAD)
    torch.manual_seed(0)
    half = Stage("s", BOTTLENECK, share=0.5)
    many = ROLES.repeat(20, 1)
    bound = (half.roles(many) == many).all(1)
    assert 0.45 < bound.float().mean() < 0.55
    assert not torch.equal((half.roles(many) == many).all(1), bound)


def test_a_mixed_stage_is_validated_as_it_will_be_used() -> None:
    assert Stage("s", BOTTLENECK).asked is BOTTLENECK
    assert Stage("s", BOTTLENECK, share=0.5).asked is ORDINARY


def test_prefixes_are_uniform() -> None:
    torch.manual_seed(0)
    drawn = [Stage("s", ORDINARY, elastic=True).prefix(4) for _ in range(2000)]
    assert sorted(set(drawn)) == [1, 2, 3, 4]
    assert all(400 < drawn.count(k) < 600 for k in (1, 2, 3, 4))
    assert Stage("s", ORDINARY).prefix(4) == 4
    assert Stage("s", ORDINARY, elastic=True).prefix(0) == 0


def test_what_is_off_draws_no_random_numbers() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    for stage in variant("livr").stages:
        stage.roles(ROLES)
        stage.prefix(16)
    assert torch.equal(torch.rand(1), expected)


def test_arms_of_ours_differ_from_livr_in_one_thing() -> None:
    plain = variant("livr").stages
    assert [s.gate for s in variant("livr_annealed").stages] == [cosine, plain[1].gate]
    assert [s.share for s in variant("livr_mixed").stages] == [1.0, 0.5]
    assert [s.share for s in variant("livr_half_blind").stages] == [0.5, 1.0]
    assert [s.policy for s in variant("livr_half_blind").stages] == [BOTTLENECK, ORDINARY]
    assert [s.policy for s in variant("livr_warm").stages] == [ORDINARY, BOTTLENECK, ORDINARY]
    assert all(s.elastic for s in variant("livr_elastic").stages)
    assert all(s.noise == 0.1 for s in variant("livr_noise").stages)
    for arm in VARIANTS.values():
        names = [s.name for s in arm.stages]
        assert names == [f"stage{i + 1}" for i in range(len(names))]


def test_settings_replace_a_variants_own() -> None:
    latents = LatentsConfig(noise=0.3, elastic=True)
    config = TrainConfig(method="livr_mixed", share=0.2, latents=latents)
    plan = stages_of(variant("livr_mixed"), config)
    assert [(s.share, s.noise, s.elastic) for s in plan] == [(1.0, 0.3, True), (0.2, 0.3, True)]
    own = stages_of(variant("livr_noise"), TrainConfig(share=0.2))
    assert [(s.share, s.noise, s.elastic) for s in own] == [(1.0, 0.1, False)] * 2


def test_every_stage_may_have_its_own_rate() -> None:
    plan = stages_of(variant("livr"), TrainConfig(optim=OptimConfig(lr=2e-3, stages=(1.0, 0.25))))
    rates = [arguments(TrainConfig(optim=OptimConfig(lr=2e-3)), s, Path("unused"), 8) for s in plan]
    assert [given.learning_rate for given in rates] == [2e-3, 5e-4]
    assert [s.rate for s in stages_of(variant("livr"), TrainConfig())] == [1.0, 1.0]


@pytest.mark.parametrize("factors", [(1.0,), (1.0, 0.0), (1.0, 0.5, 0.2), ()])
def test_rates_that_fit_no_stage_are_refused(factors: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="give 2 positive numbers, one for each of epochs"):
        TrainConfig(optim=OptimConfig(stages=factors))
