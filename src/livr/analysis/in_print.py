"""Numbers as tables and pages print them."""

from __future__ import annotations

from livr.evaluate.stats import Interval


def p_number(p: float) -> str:
    """A p-value for print.

    >>> p_number(0.0312), p_number(0.00001), p_number(1.0)
    ('0.031', '< 0.001', '1')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.9995 else "1"


def duration(seconds: float | None) -> str:
    """A time for print.

    >>> duration(8.2), duration(125), duration(7300), duration(None)
    ('8 s', '2 min 05 s', '2 h 01 min', '–')
    """
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def percent(share: float, digits: int = 1) -> str:
    """A share for print.

    >>> percent(0.5), percent(1.0, 0)
    ('50.0 %', '100 %')
    """
    return f"{100 * share:.{digits}f} %"


def points(delta: float, *, signed: bool = True) -> str:
    """A difference of accuracies for print, in percentage points, with a true minus.

    Args:
        delta: The difference.
        signed: Whether a rise has its plus; not where words say the direction, as in "falls by".

    >>> points(0.041), points(-0.02), points(0.0), points(0.041, signed=False)
    ('+4.1', '−2.0', '0.0', '4.1')
    """
    value = round(100 * delta, 1)
    plus = "+" if signed and value > 0 else ""
    return f"{'−' if value < 0 else plus}{abs(value):.1f}"


def span(interval: Interval) -> str:
    """An interval of a difference for print, in percentage points.

    >>> span(Interval(-0.02, 0.041))
    '−2.0 – +4.1'
    """
    return f"{points(interval.low)} – {points(interval.high)}"


def from_to(ci95: tuple[float, float]) -> str:
    """An interval of a share for print, in percent.

    >>> from_to((0.5, 0.75))
    '50.0 – 75.0'
    """
    return f"{100 * ci95[0]:.1f} – {100 * ci95[1]:.1f}"
