"""The audit as one self-contained HTML page: no script, no network, printable."""

from __future__ import annotations

from markupsafe import Markup

from livr.analysis.audit import figures
from livr.analysis.audit.finding import NEGLIGIBLE, Finding, missing
from livr.analysis.audit.result import Audit
from livr.analysis.report import environment

WORDS = {
    "pass": "The latents are used, and for what they carry.",
    "fail": "At least one test says that the latents are not what they should be.",
    "unclear": "These questions do not settle whether the latents are used.",
}


def page(result: Audit) -> str:
    """The page as text."""
    by_name = {f.name: f for f in result.findings}
    drawn = [
        ("Fall in accuracy by each intervention", figures.effects(result.findings), False),
        (
            "Attention of the answer to the latents",
            figures.attention_layers(by_name["attention"]) if "attention" in by_name else None,
            False,
        ),
        ("Accuracy on disturbed images", figures.robustness(result.findings), True),
    ]
    return environment().get_template("audit.html.j2").render(
        result=result,
        words=WORDS.get(result.verdict, ""),
        reasons=reasons(result),
        figures=[(caption, Markup(svg), full) for caption, svg, full in drawn if svg],
        interval=interval_words,
        negligible=NEGLIGIBLE,
    )  # fmt: skip


def reasons(result: Audit) -> str:
    """The decisive tests behind a verdict that is not `pass`."""
    if result.verdict == "pass":
        return ""
    names = [f.name for f in result.findings if f.decisive and f.verdict == result.verdict]
    found = f"{result.verdict.capitalize()}: {', '.join(names)}. " if names else ""
    left = missing(result.findings) if result.verdict == "unclear" else ()
    return (found + (f"Not asked: {', '.join(left)}." if left else "")).rstrip()


def interval_words(finding: Finding) -> str:
    """The interval for print: shares in percent, everything else as it is.

    >>> from livr.evaluate.stats import Interval
    >>> interval_words(Finding("dropped", "", "", "", "", "pass", 1, 0.1, Interval(0.05, 0.15)))
    '5.0 – 15.0'
    """
    if finding.interval is None:
        return "–"
    low, high = finding.interval.low, finding.interval.high
    scale, digits = (100, 1) if finding.digits is None else (1, finding.digits)
    return f"{scale * low:.{digits}f} – {scale * high:.{digits}f}".replace("-", "−")
