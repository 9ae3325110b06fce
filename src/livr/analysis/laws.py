"""The laws as tests on any model: each returns what it measured and whether the law holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from livr.backbones.backbone import decoder_prefix
from livr.config import LoraConfig, TrainConfig
from livr.method import attention
from livr.method.bottleneck import BOTTLENECK
from livr.method.roles import Role
from livr.method.stages import Stage
from livr.model.adapter import add_lora, has_lora
from livr.model.batch import Batch, Side
from livr.model.encoder import Encoded
from livr.model.model import Model
from livr.model.probes import blind_tolerance, largest_change, pixels_move_blind_answers, probes
from livr.train.stage import Learner

ROUNDING = 1e-4
"""Largest relative difference that counts as rounding in float32."""

PIXELS_ONLY = "its code takes pixels only; features are not kept"

SIDES: tuple[Side, ...] = ("left", "right")


def _roles(model: Model) -> tuple[str, bool]:
    rows = model.encode(probes(), "keep", answer=True)
    batch = model.batch(rows)
    counts = {role: int((batch.roles_BT == role).sum()) for role in Role}
    answers = sum(len(row) - row.answer_start for row in rows)
    fits = (
        counts[Role.IMAGE] > 0
        and counts[Role.LATENT] == model.num_latents * len(rows)
        and counts[Role.ANSWER] == answers
        and counts[Role.PROMPT] > 0
    )
    named = {role.name.lower(): n for role, n in counts.items() if role is not Role.PAD}
    text = ", ".join(f"{n} {name}" for name, n in named.items())
    if not model.can_keep_features:
        return f"{text}; {PIXELS_ONLY}", fits
    features = sum(len(f.pooled_ID) for row in model.image_features(rows) for f in row)
    return f"{text}; {features} image features", fits and counts[Role.IMAGE] == features


def _blind(model: Model) -> tuple[str, bool]:
    worst = max(
        pixels_move_blind_answers(model, evaluation, side)
        for evaluation in ("mask", "pieces")
        for side in SIDES
    )
    return f"logits move by {worst:.2g}", worst <= blind_tolerance(model)


def _sight(model: Model) -> tuple[str, bool]:
    before, after = (model.logits(probes(seed), "bottleneck", "keep") for seed in (0, 1))
    least = min(float((a - b).abs().max()) for a, b in zip(before, after, strict=True))
    return f"logits move by at least {least:.2g}", least > 1e-5


@torch.no_grad()
def _stock(model: Model) -> tuple[str, bool]:
    decoder = model.hf.get_decoder()
    worst = 0.0
    for side in SIDES:
        batch = model.batch(model.encode(probes(), "drop", answer=True), side)
        ours = model.hf(**batch.inputs, use_cache=False).logits
        try:
            decoder.set_attn_implementation("sdpa")
            stock = model.hf(**batch.inputs, use_cache=False).logits
        finally:
            attention.install(decoder)
        worst = max(worst, float((ours - stock).abs().max()))
    return f"largest difference {worst:.2g}", worst == 0


def _logits_and_gradient(model: Model, batch: Batch, evaluation: str) -> tuple[Tensor, Tensor]:
    assert model.latents is not None
    how: Literal["mask", "pieces"] = "pieces" if evaluation == "pieces" else "mask"
    with model.rule("bottleneck", batch, how):
        logits = model.answer_logits(batch)
    loss = torch.nn.functional.cross_entropy(logits, batch.targets_N)
    (gradient,) = torch.autograd.grad(loss, [model.latents.rows])
    return logits.detach(), gradient


def _relative(one: Tensor, two: Tensor) -> float:
    return float((one - two).abs().max() / two.abs().max().clamp_min(1e-12))


def _pieces(model: Model) -> tuple[str, bool]:
    worst = 0.0
    for side in SIDES:
        batch = model.batch(model.encode(probes(), "keep", answer=True), side)
        masked, pieces = (_logits_and_gradient(model, batch, e) for e in ("mask", "pieces"))
        worst = max(worst, *(_relative(p, m) for p, m in zip(pieces, masked, strict=True)))
    return f"relative difference {worst:.1e}", worst < ROUNDING


def _padding(model: Model) -> tuple[str, bool]:
    left, right = (model.logits(probes(), "bottleneck", side=side) for side in SIDES)
    alone = model.logits(probes(), "bottleneck", batch_size=1)
    worst = max(_relative(torch.cat(other), torch.cat(left)) for other in (right, alone))
    return f"relative difference {worst:.1e}", worst < ROUNDING


@torch.no_grad()
def _cached(model: Model) -> tuple[str, bool]:
    if not model.can_keep_features:
        return PIXELS_ONLY, True
    rows = model.encode(probes(), "keep", answer=True)
    prompts = model.encode(probes(), "keep", answer=False)
    found, said = [], []
    for features in (None, model.image_features(rows)):
        batch = model.batch(rows, features=features)
        with model.rule("bottleneck", batch):
            found.append(model.answer_logits(batch))
        said.append(
            model.generate_encoded(prompts, "bottleneck", features=features, max_new_tokens=3)
        )
    worst = largest_change(found[:1], found[1:])
    same = "the same" if said[0] == said[1] else "other"
    return f"largest difference {worst:.2g}, {same} answers", worst == 0 and said[0] == said[1]


def _generation(model: Model) -> tuple[str, bool]:
    prompts = model.encode(probes(), "keep", answer=False)
    said = {
        mask: (
            model.generate_encoded(prompts, mask, max_new_tokens=4),
            _step_by_step(model, prompts, mask, 4),
        )
        for mask in ("ordinary", "bottleneck")
    }
    differ = sum(a != b for pair in said.values() for a, b in zip(*pair, strict=True))
    return f"{differ} of {2 * len(prompts)} answers differ", differ == 0


@torch.no_grad()
def _step_by_step(model: Model, prompts: Sequence[Encoded], mask: str, tokens: int) -> list[str]:
    """Greedy answers without a cache: one whole forward pass per token."""
    answers: list[list[int]] = [[] for _ in prompts]
    for _ in range(tokens):
        rows = [p.extended(ids) for p, ids in zip(prompts, answers, strict=True)]
        batch = model.batch(rows)
        with model.rule(mask, batch):
            scores_BV = model.hf(**batch.inputs, use_cache=False).logits[:, -1]
        scores_BV[:, model.unsayable_ids()] = -torch.inf
        for ids, token in zip(answers, scores_BV.argmax(-1).tolist(), strict=True):
            ids.append(token)
    ends = set(model.end_ids())
    kept = [ids[: next((i for i, t in enumerate(ids) if t in ends), tokens)] for ids in answers]
    texts = model.tokenizer.batch_decode(kept, skip_special_tokens=True)
    return [text.strip() for text in texts]


def _fingerprints(model: Model) -> dict[str, bytes]:
    return {
        name.replace(".base_layer.", "."): hashlib.blake2b(
            weight.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes(),
            digest_size=16,
        ).digest()
        for name, weight in model.hf.named_parameters()
    }


def _what_moves(model: Model) -> tuple[str, bool]:
    assert model.latents is not None
    if not has_lora(model):
        add_lora(model, LoraConfig(dropout=0))
    for name, weight in model.hf.named_parameters():
        weight.requires_grad_(".lora_" in name)
    learner = Learner(model, Stage("stage1", BOTTLENECK, 1), TrainConfig()).eval()
    before, rows = _fingerprints(model), model.latents.rows.detach().clone()
    optimiser = torch.optim.AdamW([p for p in learner.parameters() if p.requires_grad], lr=1e-3)
    learner.zero_grad()
    learner(model.batch(model.encode(probes(), "keep", answer=True))).mean().backward()
    optimiser.step()
    after = _fingerprints(model)
    moved = {name for name in after if after[name] != before[name]}
    prefix = decoder_prefix(model.hf) + "."
    strangers = [name for name in moved if ".lora_" not in name or not name.startswith(prefix)]
    adapters = [name for name in moved if ".lora_B." in name]
    rows_moved = not torch.equal(rows, model.latents.rows)
    text = f"{len(adapters)} adapters and the rows move, {len(strangers)} other tensors"
    return text, bool(adapters) and rows_moved and not strangers


LAWS: dict[str, tuple[str, Callable[[Model], tuple[str, bool]]]] = {
    "roles": ("counts positions by role against image features, latents, answers", _roles),
    "1 blindness": ("other pixels, bottleneck, no latents, both evaluations and sides", _blind),
    "1 sight": ("other pixels, bottleneck, with latents", _sight),
    "2 ordinary = stock": ("ordinary rule against transformers' own attention", _stock),
    "3 pieces = mask": ("both evaluations of the rule: logits and gradients", _pieces),
    "5 padding, batching": ("left, right and one by one", _padding),
    "5 cached vision": ("features kept and joined again, against pixels", _cached),
    "generation": ("both rules, cached decoding against a whole pass per token", _generation),
    "4 what moves": ("one optimiser step: only LoRA and the K rows, no vision", _what_moves),
}
"""What is tested, in this order; the last one changes the model."""
