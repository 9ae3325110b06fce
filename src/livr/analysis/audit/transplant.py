"""(e) One example's image, another example's latents: whose answer appears? (ours)"""

from __future__ import annotations

from typing import Any

from livr.analysis.audit.case import Case, partners
from livr.analysis.audit.finding import Finding, fall, judge_effect
from livr.analysis.in_print import percent
from livr.analysis.inside.latents import replacing
from livr.evaluate.answers import is_correct
from livr.evaluate.shared import sources_among

RULES = ("bottleneck", "ordinary")


def run(case: Case) -> list[Finding]:
    """Under the bottleneck, where it decides, and in use, where it tells how much is taken."""
    partner = partners(case.examples, case.seed, other_answer=True)
    return [_transplant(case, mask, partner) for mask in RULES]


def _transplant(case: Case, mask: str, partner: dict[int, int]) -> Finding:
    in_use = mask == "ordinary"
    shared: dict[str, Any] = {
        "name": "transplant" + ("" if mask == "bottleneck" else f".{mask}"),
        "claim": ("In use" if in_use else "Under the bottleneck")
        + ", the answer follows latents that come from another example.",
        "done": "Question and image stay; keys and values of the latents come from an example of "
        f"the same form with another answer. Share of the donor's answers; {mask} rule.",
        "healthy": "more often than without transplant"
        + ("; there the image is in sight too" if in_use else ": interval above 0"),
    }
    if not partner:
        nothing = "no two questions of the same form have different answers"
        return Finding(**shared, measured=nothing, verdict="unclear", n=0)
    content = case.content(mask).take([partner.get(i, i) for i in range(len(case.examples))])
    edit = replacing(case.questions.model, content)
    before, after = case.predictions(mask), case.questions.answers(mask, edit=edit)
    index = sorted(partner)
    donors = [case.examples[partner[i]] for i in index]
    without = [is_correct(before[i].prediction, d) for i, d in zip(index, donors, strict=True)]
    given = [is_correct(after[i].prediction, d) for i, d in zip(index, donors, strict=True)]
    kept = sum(after[i].correct for i in index) / len(index)
    # Where the latents decide, questions with one donor have its answer in common.
    rise = fall(given, without, sources_among([case.examples[i] for i in index], donors))
    return Finding(
        **shared,
        measured=f"donor's answer {percent(rise.before)}, without transplant "
        f"{percent(rise.after)}; own answer {percent(kept)}",
        verdict=case.unless_unable(judge_effect(rise.interval)),
        n=len(index),
        value=rise.size,
        interval=rise.interval,
        details={"donor": rise.before, "donor_without": rise.after, "own": kept},
    )
