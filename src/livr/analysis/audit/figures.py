"""The audit's figures, in the style of the report's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livr.analysis.audit.finding import Finding
from livr.analysis.figures import INK, METHODS, MUTED, STYLE, as_svg
from livr.analysis.robustness import CORRUPTIONS

_OWN, _OTHER = METHODS["livr"], METHODS["sft"]

_EFFECTS = {
    "dropped": "latents left out",
    "content.other": "another example's latents",
    "content.blank": "a grey image's latents",
    "content.mean": "mean over questions",
    "content.noise": "noise",
    "content.zeros": "zeros",
    "content.other.bottleneck": "another example's, bottleneck",
    "content.mean.bottleneck": "mean, bottleneck",
}


def _canvas(width: float, height: float, columns: int = 1) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(1, columns, sharey=True)


def effects(findings: Sequence[Finding]) -> str | None:
    """How far accuracy falls by each intervention, with its interval: an SVG element."""
    import matplotlib

    shown = [f for name in _EFFECTS for f in findings if f.name == name and f.interval]
    if not shown:
        return None
    with matplotlib.rc_context(STYLE):
        figure, axes = _canvas(6.4, 0.5 + 0.32 * len(shown))
        for row, finding in enumerate(reversed(shown)):
            assert finding.interval is not None and finding.value is not None
            ends = [100 * finding.interval.low, 100 * finding.interval.high]
            axes.plot(ends, [row, row], color=_OWN, linewidth=5, alpha=0.3, solid_capstyle="round")
            axes.plot([100 * finding.value], [row], "o", color=_OWN, markersize=6)
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_yticks(range(len(shown)), [_EFFECTS[f.name] for f in reversed(shown)])
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("fall in accuracy, percentage points")
        return as_svg(figure)


def attention_layers(finding: Finding) -> str:
    """Attention mass on the latents per decoder layer: an SVG element."""
    import matplotlib
    from matplotlib.ticker import MaxNLocator

    with matplotlib.rc_context(STYLE):
        figure, axes = _canvas(6.4, 2.8)
        lines = [("per_layer", _OWN, "this model"), ("control_per_layer", MUTED, "control")]
        for key, colour, name in lines:
            values = finding.details.get(key)
            if values:
                layers = range(1, len(values) + 1)
                axes.plot(layers, values, color=colour, marker="o", markersize=4, label=name)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("decoder layer")
        axes.set_ylabel("mass on the latents")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
        if "control_per_layer" in finding.details:
            axes.legend(frameon=False, labelcolor="linecolor")
        return as_svg(figure)


def robustness(findings: Sequence[Finding]) -> str | None:
    """Accuracy over the strength of each corruption, one panel each: an SVG element."""
    import matplotlib
    from matplotlib.ticker import PercentFormatter

    by_name = {f.name: f for f in findings}
    if "robustness" not in by_name:
        return None
    used, blind = by_name["robustness"], by_name["robustness.bottleneck"]
    lines: list[tuple[str, str, str, float, Any]] = [
        ("in use", _OWN, "-", used.details["clean"], used.details["levels"]),
        ("bottleneck", _OWN, ":", blind.details["clean"], blind.details["levels"]),
    ]
    if "baseline_levels" in used.details:
        details = used.details
        clean, levels = details["baseline_clean"], details["baseline_levels"]
        lines.append(("baseline", _OTHER, "-", clean, levels))
    with matplotlib.rc_context(STYLE):
        figure, panels = _canvas(9.6, 3.0, len(CORRUPTIONS))
        figure.get_layout_engine().set(wspace=0.05)
        for axes, corruption in zip(panels, CORRUPTIONS.values(), strict=True):
            for name, colour, style, clean, levels in lines:
                values = [x["accuracy"] for x in levels if x["corruption"] == corruption.name]
                axes.plot(
                    range(len(values) + 1),
                    [clean, *values],
                    color=colour,
                    linestyle=style,
                    marker="o",
                    markersize=3.5,
                    label=name,
                )
            axes.set_title(corruption.name, color=INK, fontsize=11)
            axes.set_xticks(range(4), ["none", *(f"{s:g}" for s in corruption.strengths)])
            axes.set_xlabel(corruption.unit, fontsize=9)
            axes.set_ylim(0, 1.02)
        panels[0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        panels[0].legend(frameon=False, labelcolor="linecolor", loc="lower left")
        return as_svg(figure)
