"""The page of a watch: one HTML file that needs no server and says what became of every shot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from cosmos_workflow.workflows.watch_journal import Entry, State

REFRESH = 5
"""Seconds after which a browser reads the page again."""


@dataclass(frozen=True)
class Row:
    """A shot and its picture: a data URI, or empty."""

    entry: Entry
    picture: str = ""


_TONES = {
    State.WAITING: "quiet", State.TAKING: "busy", State.STARTING: "busy", State.RUNNING: "busy",
    State.PREPARED: "good", State.CREATED: "good", State.DONE: "good", State.CHANGED: "warn",
    State.BROKEN: "bad", State.FAILED: "bad",
}  # fmt: skip

_WORDS = {
    State.TAKING: "being prepared",
    State.CHANGED: "changed while it was prepared",
    State.CREATED: "run spec created",
    State.STARTING: "run is starting",
    State.FAILED: "run failed",
}

_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --line: #dfe3e8; --text: #1b1f24;
  --faint: #5c6670; --quiet: #5c6670; --busy: #0b62c4; --good: #1a7f37; --warn: #8a5a00;
  --bad: #c01f2e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --card: #1d2126; --line: #31373e;
  --text: #e6e9ed; --faint: #9aa4af; --quiet: #9aa4af; --busy: #6cb2ff; --good: #5fd07a;
  --warn: #e8b54d; --bad: #ff7a82; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px; max-width: 1180px; background: var(--ground);
  color: var(--text); font: 15px/1.45 system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 20px; margin: 0; overflow-wrap: anywhere; }
p { margin: 4px 0 0; color: var(--faint); }
ul.counts { display: flex; flex-wrap: wrap; gap: 8px; list-style: none; padding: 0;
  margin: 16px 0; }
.pill { display: inline-block; border: 1px solid; border-radius: 999px; padding: 1px 10px;
  font-weight: 600; font-size: 13px; white-space: nowrap; }
.quiet { color: var(--quiet); } .busy { color: var(--busy); } .good { color: var(--good); }
.warn { color: var(--warn); } .bad { color: var(--bad); }
article { display: grid; grid-template-columns: 160px 1fr auto; gap: 4px 16px;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px;
  margin-bottom: 10px; }
article > :first-child { grid-row: span 2; align-self: start; width: 160px; min-height: 60px;
  border-radius: 6px; background: var(--line); display: block; }
h2 { font-size: 16px; margin: 0; overflow-wrap: anywhere; }
.side { text-align: right; grid-row: span 2; }
.side small { display: block; color: var(--faint); white-space: nowrap; margin-top: 4px; }
.more { grid-column: 2; color: var(--faint); overflow-wrap: anywhere; }
.more code { color: var(--text); font: 13px ui-monospace, Consolas, monospace; }
.more .bad, .more .warn { white-space: pre-line; }
@media (max-width: 640px) { body { padding: 12px; } article { grid-template-columns: 80px 1fr; }
  article > :first-child { width: 80px; min-height: 40px; } .side { grid-column: 2;
  grid-row: auto; text-align: left; } article > :first-child { grid-row: span 3; } }
"""


def page(folder: str, how: str, rows: Sequence[Row], states: Sequence[State]) -> str:
    """The whole page; ``states``: of all shots, also of those that have no row here."""
    counts = Counter(states)
    pills = "".join(
        f'<li class="pill {_TONES[state]}">{counts[state]} {escape(_word(state))}</li>'
        for state in State
        if counts[state]
    )
    more = len(states) - len(rows)
    rest = f"<p>and {more:,} more shots that have not changed since</p>" if more > 0 else ""
    body = "\n".join(_article(row) for row in rows) or "<p>no shots yet</p>"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="{REFRESH}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(_title(counts))}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(folder)}</h1>
<p>cosmos watch: {escape(how)}; last change {_clock(max((r.entry.time for r in rows), default=0))}
</p>
<ul class="counts">{pills}</ul>
{body}
{rest}
</body>
</html>
"""


def _title(counts: Counter[State]) -> str:
    bad = counts[State.BROKEN] + counts[State.FAILED]
    return (f"{bad} in trouble, " if bad else "") + f"{sum(counts.values())} shots - cosmos watch"


def _word(state: State) -> str:
    return _WORDS.get(state, str(state))


def _article(row: Row) -> str:
    entry = row.entry
    alt = escape(f"middle frame of {entry.shot}", quote=True)
    picture = f'<img src="{row.picture}" alt="{alt}">' if row.picture else "<span></span>"
    facts = [f"{entry.frames} frames"] if entry.frames else []
    facts += [f"{entry.seconds:.1f} s"] if entry.seconds and entry.state is State.PREPARED else []
    facts += [f"take {entry.take}"] if entry.take > 1 else []
    facts.append(_clock(entry.time))
    return f"""<article>
{picture}
<h2>{escape(entry.shot)}</h2>
<div class="side"><span class="pill {_TONES[entry.state]}">{escape(_word(entry.state))}</span>
<small>{escape(" · ".join(facts))}</small></div>
<div class="more">{"<br>".join(_details(entry))}</div>
</article>"""


def _details(entry: Entry) -> list[str]:
    tone = _TONES[entry.state]
    lines = []
    if entry.message:
        told = escape(entry.message)
        lines.append(f'<span class="{tone}">{told}</span>' if tone in ("bad", "warn") else told)
    lines += [escape(entry.hint)] if entry.hint else []
    named = (
        ("prepared", entry.prepared),
        ("run", entry.run or entry.spec),
        ("result", entry.result),
    )
    lines += [f"{name} <code>{escape(value)}</code>" for name, value in named if value]
    return lines


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S") if seconds else "none"
