"""(f) Do the latents differ between images, or have they become constants? (ours)

A latent that is the same whatever the image says nothing about it. Its states are compared
where the last layer reads them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding, Verdict
from livr.analysis.inside.states import read_states
from livr.evaluate.stats import Interval

FEWEST = 2
CLAIM = "The latents differ from image to image."
MOST_ALIKE = 0.99
"""Healthy range of the raw cosine (ours). The participation ratio has none: an answer of two
choices needs a single dimension."""


def cosines(states_NKD: Tensor) -> Tensor:
    """(N, K) mean cosine of each example with the others, slot by slot.

    >>> cosines(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]]])).tolist()
    [[0.5], [0.0], [0.5]]
    """
    unit_NKD = torch.nn.functional.normalize(states_NKD, dim=-1)
    with_all_NK = (unit_NKD * unit_NKD.sum(0)).sum(-1)
    return (with_all_NK - unit_NKD.square().sum(-1)) / (len(unit_NKD) - 1)


def mean_cosine(states_NKD: Tensor) -> Tensor:
    """(K,) mean cosine between different examples, slot by slot."""
    return cosines(states_NKD).mean(0)


def participation_ratio(states_ND: Tensor) -> float:
    """Effective number of dimensions in which examples differ: (sum of variances)^2 / sum of
    their squares along the principal axes.

    >>> square = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> round(participation_ratio(square), 6)
    2.0
    """
    centred_ND = states_ND - states_ND.mean(0)
    variances = torch.linalg.svdvals(centred_ND).square()
    total = float(variances.sum())
    return total**2 / float(variances.square().sum()) if total > 0 else 0.0


def measures(states_NKD: Tensor) -> dict[str, object]:
    """Every number of this test."""
    raw_K = mean_cosine(states_NKD)
    centred_K = mean_cosine(states_NKD - states_NKD.mean((0, 1)))
    own_NKD = states_NKD - states_NKD.mean(0)
    between_slots = mean_cosine(own_NKD.transpose(0, 1)).mean()
    changing = own_NKD.square().sum() / states_NKD.square().sum()
    return {
        "cosine_raw": raw_K.tolist(),
        "cosine_centred": centred_K.tolist(),
        "cosine_between_slots": float(between_slots),
        "share_that_changes": float(changing),
        "participation_ratio": participation_ratio(states_NKD.flatten(1)),
    }


def cosine_interval(case: Case, states_NKD: Tensor) -> Interval:
    """Interval of the mean cosine over slots and pairs of examples.

    A mean over pairs moves with each example twice as far as that example's own mean would.
    """
    cosine_N = cosines(states_NKD).mean(1).double().numpy()
    mean, twice = float(cosine_N.mean()), case.mean_interval(2 * cosine_N)
    return Interval(twice.low - mean, twice.high - mean)


def run(case: Case) -> list[Finding]:
    """Cosine between examples per slot, raw and centred, and effective dimensions."""
    n = len(case.examples)
    if n < FEWEST:
        few, needed = f"{n} question", f"{FEWEST} questions"
        return [Finding.too_few("collapse", CLAIM, few, needed, n)]
    states = read_states(case.questions, "ordinary")
    found = measures(states.latents_NKD)
    raw = torch.tensor(found["cosine_raw"]).mean().item()
    centred = torch.tensor(found["cosine_centred"]).mean().item()
    ratio = float(found["participation_ratio"])  # type: ignore[arg-type]
    interval = cosine_interval(case, states.latents_NKD)
    alive, dead = interval.high < MOST_ALIKE, interval.low >= MOST_ALIKE
    verdict: Verdict = "pass" if alive else "fail" if dead else "unclear"
    return [
        Finding(
            name="collapse",
            claim=CLAIM,
            done="Latents' states as the last layer reads them, ordinary rule: cosine between "
            "examples per slot, raw and without the mean over all latents; participation ratio.",
            measured=f"cosine {raw:.2f} raw, {centred:.2f} centred; {ratio:.1f} effective "
            f"dimensions (text {participation_ratio(states.text_ND):.1f}, image "
            f"{participation_ratio(states.image_ND):.1f})",
            healthy=f"raw cosine below {MOST_ALIKE}; dimensions for comparison only",
            verdict=verdict,
            n=n,
            value=raw,
            interval=interval,
            details=found,
            digits=2,
        )
    ]
