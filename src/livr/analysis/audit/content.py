"""(b) The slots of the latents stay, what they hold is replaced in all layers.

In several published models latents can be replaced by noise without loss (arXiv 2605.18445,
2602.22766). Zeros and noise may also disturb a model that never used the content, since they lie
far from anything it has seen; another example's latents and a blank image's do not. The verdict
on the model therefore rests on another example's.
"""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from livr.analysis.audit.case import Case, partners
from livr.analysis.audit.finding import Finding, fall, judge_effect
from livr.analysis.inside.latents import Content, read, replacing
from livr.data.example import Example
from livr.evaluate.shared import sources_among
from livr.model.encoder import read_image

OVER_ALL, FEWEST = ("mean", "noise"), 2
"""What is made of all questions takes so many: one alone is its own mean and has no spread."""
ROUNDING = 1e-3
"""Largest change of a logit that counts as rounding."""

KINDS = {
    "other": "those of another example with the same form of question",
    "blank": "those of the same question about a grey image",
    "mean": "their mean over all questions, slot by slot",
    "noise": "noise of the same mean and spread, slot by slot and dimension by dimension",
    "zeros": "zeros",
}
UNDER = (
    ("ordinary", ("other", "blank", "mean", "noise", "zeros")),
    ("bottleneck", ("other", "mean")),
)
RULE = {"ordinary": "In use", "bottleneck": "Under the bottleneck"}
CLAIMS = {
    "other": "another example's latents do not do",
    "blank": "a grey image's latents do not do",
    "mean": "the latents' mean does not do",
    "noise": "noise does not do",
    "zeros": "zeros do not do",
}


def run(case: Case) -> list[Finding]:
    """The sham first, then each replacement."""
    return [
        _sham(case),
        *(_replace(case, mask, kind) for mask, kinds in UNDER for kind in kinds),
    ]


def _sham(case: Case) -> Finding:
    """Own content put back must change nothing; nothing put in must change something."""
    model = case.questions.model
    content = case.content()
    plain = case.questions.next_logits()
    own = case.questions.next_logits(edit=replacing(model, content))
    empty = case.questions.next_logits(edit=replacing(model, content.zeros()))
    off = float((own - plain).abs().max())
    reached = int(((empty - plain).abs().amax(1) > ROUNDING).sum())
    n = len(plain)
    exact = "bit-identical" if torch.equal(own, plain) else f"largest change {off:.1e}"
    return Finding(
        name="content.sham",
        claim="The instrument itself changes nothing.",
        done="Each question gets its own latents' keys and values put back; as a check that the "
        "instrument reaches the answer, zeros instead.",
        measured=f"own content: {exact}; zeros change the logits of {reached} of {n}",
        healthy="identical up to rounding; zeros change all",
        verdict="fail" if off > ROUNDING else "pass" if reached == n else "unclear",
        n=n,
        value=off,
        details={"max_logit_change": off, "changed_by_zeros": reached},
    )


def _replacement(case: Case, mask: str, kind: str) -> tuple[Content, dict[int, int]]:
    """The content to put in, and the donor of each question for which there is some, or itself."""
    own = case.content(mask)
    everyone = {i: i for i in range(len(own))}
    if kind == "other":
        partner = partners(case.examples, case.seed)
        return own.take([partner.get(i, i) for i in everyone]), partner
    if kind == "blank":
        blanks = case.questions.with_examples([blank(e) for e in case.examples])
        return read(blanks, mask), everyone
    if kind == "noise":
        return own.noise(case.seed), everyone
    return own.mean() if kind == "mean" else own.zeros(), everyone


def blank(example: Example) -> Example:
    """The same question about grey images of equal sizes."""
    sizes = [read_image(image, example.id).size for image in example.images]
    images = tuple(Image.new("RGB", size, (128, 128, 128)) for size in sizes)
    return example.model_copy(update={"images": images})


def _replace(case: Case, mask: str, kind: str) -> Finding:
    name = f"content.{kind}" + ("" if mask == "ordinary" else f".{mask}")
    claim = f"{RULE[mask]}, {CLAIMS[kind]} instead of the latents."
    n = len(case.examples)
    if kind in OVER_ALL and n < FEWEST:
        return Finding.too_few(name, claim, f"{n} question", f"{FEWEST} questions", n)
    content, donor = _replacement(case, mask, kind)
    before = case.right(mask)
    after = case.questions.answers(mask, edit=replacing(case.questions.model, content))
    shared: dict[str, Any] = {
        "name": name,
        "claim": claim,
        "done": f"Keys and values of the latents in all layers replaced by {KINDS[kind]}; "
        f"{mask} rule.",
        "healthy": "falls: interval above 0",
    }
    if not donor:
        nothing = "no two questions have the same form and different images"
        return Finding(**shared, measured=nothing, verdict="unclear", n=0)
    index = sorted(donor)
    asked = [case.examples[i] for i in index]
    sources = sources_among(asked, [case.examples[donor[i]] for i in index])
    found = fall([before[i] for i in index], [after[i].correct for i in index], sources)
    return Finding(
        **shared,
        measured=found.words(),
        verdict=case.unless_unable(judge_effect(found.interval)),
        n=found.n,
        value=found.size,
        interval=found.interval,
        details=found.numbers(),
    )
