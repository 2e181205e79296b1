"""SVG as text: a frame with axes, and words that nothing can break out of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from cosmos_workflow.workflows import report_axis

WIDTH, LEFT, RIGHT = 1000, 150, 8
"""Of a plot, in its own units: the whole, the names, what is left free."""


@dataclass(frozen=True)
class Span:
    """Time along a plot."""

    first: float
    last: float

    def x(self, at: float) -> float:
        """Where a moment is."""
        share = (at - self.first) / max(self.last - self.first, 1e-6)
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0.0), 1.0)


def words(text: str) -> str:
    """``text`` for HTML: tags, control characters and turned directions are shown, not obeyed."""
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return escape("".join(shown))


def bar(
    x: float, y: float, width: float, height: float, tone: str, said: str = "", round_: float = 1.5
) -> str:
    """A rectangle; ``said`` comes up under the mouse."""
    title = f"<title>{words(said)}</title>" if said else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'rx="{round_:g}" class="{tone}">{title}</rect>'
    )


def label(x: float, y: float, text: str, *, tone: str = "", anchor: str = "start") -> str:
    """A line of text."""
    kind = f' class="{tone}"' if tone else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{words(text)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    """A thin line."""
    return f'<line class="grid" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def over_time(high: float, inside: Iterable[str], span: Span, name: str, top: float = 4) -> str:
    """A plot with the time below."""
    marks = []
    for at, text in report_axis.ticks(span.first, span.last, 8):
        x = span.x(at)
        anchor = "end" if x > WIDTH - 60 else "start" if x < LEFT + 30 else "middle"
        marks += [rule(x, 0, x, high), label(x, high + 18, text, tone="faint", anchor=anchor)]
    return svg(high + 24, [*marks, *inside], name, top)


def svg(high: float, inside: Iterable[str], name: str, top: float = 0) -> str:
    """The element."""
    return (
        f'<div class="scroll"><svg viewBox="0 {-top:g} {WIDTH} {high + top:g}" role="img" '
        f'aria-label="{words(name)}">{"".join(inside)}</svg></div>'
    )


def scale(ticks: Sequence[float], high: float, style: str) -> list[str]:
    """Lines across a plot at these amounts, the last one at its top."""
    lines = []
    for amount in ticks:
        y = high - high * amount / ticks[-1]
        said = format(amount, style)
        lines += [rule(LEFT, y, WIDTH - RIGHT, y)]
        lines += [label(LEFT - 10, y + 4, said, tone="faint", anchor="end")]
    return lines


def legend(entries: Iterable[tuple[str, str]]) -> str:
    """What the colours mean: tone and word."""
    said = (f'<span><i class="{tone}"></i>{words(word)}</span>' for tone, word in entries)
    return f'<p class="legend">{"".join(said)}</p>'
