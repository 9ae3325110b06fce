"""A map of latent, image and text states (after the paper's Fig. 4), with numbers beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from livr.analysis.inside.questions import Questions
from livr.analysis.inside.states import read_states
from livr.files import whole_file

KINDS = ("latent", "image", "text")
COLOURS = {"latent": "#c4511d", "image": "#5f8a3c", "text": "#2f6db3"}
NEIGHBOURS = 10
PICKS = 4
"""Positions of each kind per question."""

Vectors = NDArray[np.float32]
Labels = NDArray[np.str_]


@dataclass(frozen=True)
class Cloud:
    """States of single positions.

    Attributes:
        vectors_PD: The states.
        kinds_P: `latent`, `image` or `text`.
        questions_P: Which question each comes from.
        tasks_P: The task of that question.
        answers_P: Its right answer.
    """

    vectors_PD: Vectors
    kinds_P: Labels
    questions_P: NDArray[np.int64]
    tasks_P: Labels
    answers_P: Labels


def gather(questions: Questions, mask: str = "ordinary", seed: int = 0) -> Cloud:
    """Final-layer states, `PICKS` positions of each kind per question, drawn at random."""
    states = read_states(questions, mask, depth="final", picks=PICKS, seed=seed)
    rng = np.random.default_rng(seed)
    slots = rng.integers(0, states.latents_NKD.shape[1], (len(questions), PICKS))
    latents_NPD = states.latents_NKD.numpy()[np.arange(len(questions))[:, None], slots]
    parts = (latents_NPD, states.image_NPD.numpy(), states.text_NPD.numpy())
    each = len(questions) * PICKS
    index = np.tile(np.repeat(np.arange(len(questions)), PICKS), len(KINDS))
    return Cloud(
        vectors_PD=np.concatenate([p.reshape(each, -1) for p in parts]).astype(np.float32),
        kinds_P=np.repeat(np.array(KINDS), each),
        questions_P=index,
        tasks_P=np.array([e.task for e in questions.examples])[index],
        answers_P=np.array([e.answer for e in questions.examples])[index],
    )


def purity(
    vectors_PD: Vectors, labels_P: Labels, groups_P: NDArray[np.int64]
) -> dict[str, float | None]:
    """Share of nearest neighbours (cosine) with a point's own label, and what chance would give.

    Neighbours come from other groups: two positions of one question are alike for that reason.

    Args:
        vectors_PD: Points.
        labels_P: What they are.
        groups_P: The question each comes from.

    Returns:
        `purity`, `chance` and the number of `neighbours`; the first two are None where there is
        one question only, so that nobody has neighbours.
    """
    unit_PD = vectors_PD / np.linalg.norm(vectors_PD, axis=1, keepdims=True).clip(min=1e-12)
    similar_PP = unit_PD @ unit_PD.T
    similar_PP[groups_P[:, None] == groups_P] = -np.inf
    k = min(NEIGHBOURS, int((similar_PP > -np.inf).sum(1).min()))
    if k < 1:
        return {"purity": None, "chance": None, "neighbours": 0}
    nearest_Pk = np.argpartition(-similar_PP, k - 1, axis=1)[:, :k]
    shares = {label: float((labels_P == label).mean()) for label in sorted(set(labels_P.tolist()))}
    return {
        "purity": float((labels_P[nearest_Pk] == labels_P[:, None]).mean()),
        "chance": sum(share**2 for share in shares.values()),
        "neighbours": k,
    }


def in_words(found: dict[str, Any]) -> str:
    """What `purity` gave, for print.

    >>> in_words({"purity": 0.5, "chance": 0.25}), in_words({"purity": None, "chance": None})
    ('0.50, chance 0.25', 'unknown of one question')
    """
    if found["purity"] is None:
        return "unknown of one question"
    return f"{found['purity']:.2f}, chance {found['chance']:.2f}"


def numbers(cloud: Cloud) -> dict[str, Any]:
    """Purity by kind over all points, and by answer and task among the points of each kind."""
    found: dict[str, Any] = {"kind": purity(cloud.vectors_PD, cloud.kinds_P, cloud.questions_P)}
    for name, labels in (("answer", cloud.answers_P), ("task", cloud.tasks_P)):
        if len(set(labels.tolist())) > 1:
            found[name] = {
                kind: purity(
                    cloud.vectors_PD[cloud.kinds_P == kind],
                    labels[cloud.kinds_P == kind],
                    cloud.questions_P[cloud.kinds_P == kind],
                )
                for kind in KINDS
            }
    return found


def tsne(vectors_PD: Vectors, seed: int = 0) -> Vectors:
    """Two coordinates per point."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, max(2.0, (len(vectors_PD) - 1) / 4))
    made = TSNE(perplexity=perplexity, metric="cosine", init="random", random_state=seed)
    points: Vectors = made.fit_transform(vectors_PD)
    return points


def draw(path: Path, cloud: Cloud, found: dict[str, Any], title: str, seed: int = 0) -> None:
    """All points by kind; the latents alone by task or, with one task, by answer."""
    from matplotlib.figure import Figure

    by_task = "task" in found
    labels = np.char.replace(cloud.tasks_P, "_", " ") if by_task else cloud.answers_P
    is_latent = cloud.kinds_P == "latent"
    figure = Figure(figsize=(11.5, 5.4), layout="constrained", dpi=130)
    left, right = figure.subplots(1, 2)
    xy = tsne(cloud.vectors_PD, seed)
    for kind in KINDS:
        chosen = cloud.kinds_P == kind
        left.scatter(*xy[chosen].T, s=11, alpha=0.75, linewidths=0, color=COLOURS[kind], label=kind)
    left.set_title(f"{title}\npurity by kind {in_words(found['kind'])}", fontsize=11)
    _by_label(right, tsne(cloud.vectors_PD[is_latent], seed), labels[is_latent])
    what = "task" if by_task else "answer"
    if what in found:
        share = in_words(found[what]["latent"])
        right.set_title(f"latents by {what}\npurity {share}", fontsize=11)
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color("#d8d3c8")
    left.legend(frameon=False, markerscale=2.2)
    with whole_file(path) as partial:
        figure.savefig(partial, format="png")


def _by_label(axes: Any, xy: Vectors, labels: Labels) -> None:
    import matplotlib

    names = _in_order(set(labels.tolist()))
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.85, len(names)))
    for name, shade in zip(names, shades, strict=True):
        axes.scatter(*xy[labels == name].T, s=15, linewidths=0, color=shade, label=name)
    if len(names) <= 12:
        axes.legend(frameon=False, markerscale=1.8, loc="center left", bbox_to_anchor=(1, 0.5))


def _in_order(names: Sequence[str] | set[str]) -> list[str]:
    """Numbers by size, the rest by name."""
    return sorted(names, key=lambda x: (not x.isdigit(), int(x) if x.isdigit() else 0, x))
