"""The K rows: initialisation, sharing, overlay, gradients."""

from __future__ import annotations

import pytest
import torch
from safetensors import safe_open

from livr.config import LatentsConfig
from livr.errors import ConfigError
from livr.method.bottleneck import ORDINARY
from livr.method.latents import Latents
from livr.method.variants import VARIANTS, variant
from livr.mini import checkpoint_dir


def weight(rows: int = 500, width: int = 64) -> torch.Tensor:
    g = torch.Generator().manual_seed(3)
    scale = torch.linspace(0.1, 2, width)
    return torch.randn(rows, width, generator=g) * scale + torch.linspace(-1, 1, width)


def test_rows_start_with_the_statistics_of_words() -> None:
    words = weight()
    spare = torch.full((12, 64), 1e6)
    rows = Latents(torch.cat([words, spare]), 500, LatentsConfig(num=512, start="words"), 0).rows
    torch.testing.assert_close(rows.mean(0), words.mean(0), rtol=0, atol=0.3)
    torch.testing.assert_close(rows.std(0), words.std(0), rtol=0.2, atol=0)


def cosines(rows: torch.Tensor) -> torch.Tensor:
    """Between different rows."""
    unit = torch.nn.functional.normalize(rows, dim=1)
    return (unit @ unit.T)[~torch.eye(len(rows), dtype=torch.bool)]


def test_rows_that_start_apart_have_the_size_of_words_and_nothing_in_common() -> None:
    words = weight() + 2  # a mean that all words share, as in small models with tied embeddings
    like, apart = (
        Latents(words, 500, LatentsConfig(num=64, start=start), 0).rows
        for start in ("words", "apart")
    )
    assert cosines(like).mean() > 0.6
    assert cosines(apart).mean().abs() < 0.02
    size = words.square().mean().sqrt()
    torch.testing.assert_close(apart.square().mean().sqrt(), size, rtol=0.05, atol=0)


def test_words_of_mini_are_alike_so_rows_like_words_are_too() -> None:
    """Why rows start apart (docs/experiments.md)."""
    with safe_open(checkpoint_dir("mini") / "model.safetensors", "pt") as weights:
        words = weights.get_tensor("model.language_model.embed_tokens.weight")
    first = len(words) - 64
    like, apart = (
        Latents(words, first, LatentsConfig(start=start), 0).rows for start in ("words", "apart")
    )
    assert cosines(words[:first]).mean() > 0.8
    assert cosines(like).mean() > 0.8
    assert cosines(apart).mean().abs() < 0.05


def test_a_seed_gives_the_same_rows_and_another_seed_others() -> None:
    one, same, other = (Latents(weight(), 500, LatentsConfig(), s).rows for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("shared", [False, True])
def test_overlay_replaces_latents_and_nothing_else(shared) -> None:
    embedding = torch.nn.Embedding(20, 8).requires_grad_(False)
    latents = Latents(embedding.weight, 16, LatentsConfig(num=4, shared=shared), 0)
    ids = torch.tensor([[1, 16, 17, 18, 19, 2], [3, 4, 16, 16, 5, 6]])
    plain = embedding(ids)
    latents.attach(embedding)
    out = embedding(ids)
    is_latent = (ids >= 16) & (ids < 20)
    assert torch.equal(out[~is_latent], plain[~is_latent])
    assert torch.equal(out[0, 1:5], latents.rows_KD())
    out.sum().backward()
    assert latents.rows.grad.shape == ((1, 8) if shared else (4, 8))
    assert latents.rows.grad.abs().sum() == is_latent.sum() * 8
    assert embedding.weight.grad is None


def test_noise_is_relative_to_the_row_and_fresh_at_every_use() -> None:
    embedding = torch.nn.Embedding(20, 4096).requires_grad_(False)
    latents = Latents(embedding.weight, 16, LatentsConfig(num=4), 0)
    with torch.no_grad():
        latents.rows[0] *= 100
    ids = torch.tensor([[1, 16, 17, 18, 19]] * 2)
    plain = latents.overlay(ids, embedding(ids))
    with latents.noisy(0.1):
        noisy = latents.overlay(ids, embedding(ids))
        again = latents.overlay(ids, embedding(ids))
    norms = (noisy - plain)[:, 1:].norm(dim=-1) / plain[:, 1:].norm(dim=-1)
    torch.testing.assert_close(norms, torch.full((2, 4), 0.1), rtol=0.1, atol=0)
    assert torch.equal(noisy[:, 0], plain[:, 0])
    assert not torch.equal(noisy, again)
    assert not torch.equal(noisy[0], noisy[1])
    assert torch.equal(latents.overlay(ids, embedding(ids)), plain)


def test_no_noise_draws_no_random_numbers() -> None:
    embedding = torch.nn.Embedding(20, 8)
    latents = Latents(embedding.weight, 16, LatentsConfig(num=4), 0)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    with latents.noisy(0.0):
        latents.overlay(torch.tensor([[16, 17]]), embedding(torch.tensor([[16, 17]])))
    assert torch.equal(torch.rand(1), expected)


def test_plans() -> None:
    plan = variant("livr").plan([4, 6])
    assert [(s.name, s.policy.name, s.epochs) for s in plan] == [
        ("stage1", "bottleneck", 4),
        ("stage2", "ordinary", 6),
    ]
    with pytest.raises(ConfigError, match="has 1 stage"):
        variant("sft").plan([4, 6])
    with pytest.raises(ConfigError, match="unknown method 'lvr'; choose one of"):
        variant("lvr")


def test_every_trained_arm_ends_like_inference() -> None:
    """The last stage is the rule the model is used under, or comparisons would be unfair."""
    for arm in VARIANTS.values():
        assert not arm.stages or arm.stages[-1].asked is ORDINARY
