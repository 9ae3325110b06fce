"""How well the model does as it is used, and without its latents (METHOD 4, paper 4.3.1)."""

from __future__ import annotations

from livr.analysis.audit.case import Case
from livr.analysis.audit.finding import Finding, fall, judge_effect
from livr.analysis.in_print import percent
from livr.evaluate.paired import paired


def run(case: Case) -> list[Finding]:
    """Accuracy as used, then with the latents left out of the prompt."""
    return [_as_used(case), _dropped(case)]


def _as_used(case: Case) -> Finding:
    right = case.right()
    n = len(right)
    return Finding(
        name="accuracy",
        claim="The model answers better than chance.",
        done="Generated answers, ordinary rule, latents in the prompt.",
        measured=f"{percent(sum(right) / n)} right; the most common answer alone would be right "
        f"in {percent(case.chance)}",
        healthy="interval above the most common answer; else no test below can tell anything",
        verdict="pass" if case.is_able else "unclear",
        n=n,
        value=sum(right) / n,
        interval=case.interval,
        details={
            "chance": case.chance,
            "unparsed": sum(p.prediction is None for p in case.predictions()) / n,
        },
    )


def _dropped(case: Case) -> Finding:
    kept, dropped = case.right(), case.right(latents="drop")
    found = fall(kept, dropped, case.sources)
    test = paired([kept], [dropped], case.sources)
    return Finding(
        name="dropped",
        claim="Answers need the latents.",
        done="The same questions with the latents left out of the prompt.",
        measured=found.words(),
        healthy="falls: interval above 0",
        verdict=case.unless_unable(judge_effect(found.interval)),
        n=found.n,
        value=found.size,
        interval=found.interval,
        details=found.numbers() | {"p_value": test.p_value},
    )
