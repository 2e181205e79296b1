"""The colours and the type of a report's page: light, dark, and on paper."""

LIGHT = """--ground:#f5f6f8; --card:#fff; --line:#e2e6eb; --text:#1a1f26; --faint:#616b77;
  --track:#e6eaef; --good:#2f9e68; --bad:#d2455b; --warn:#d39a1c; --other:#97a1ad; --ink:#3467c8;"""

DARK = """--ground:#121519; --card:#1b1f25; --line:#2d333b; --text:#e7eaee; --faint:#98a2ae;
  --track:#272d35; --good:#45b983; --bad:#f0707f; --warn:#e2b04a; --other:#727d89; --ink:#78a9ff;"""

STYLE = f"""
:root {{ color-scheme: light dark; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 32px 24px 48px; max-width: 1120px; background: var(--ground);
  color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }}
h1 {{ font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -.01em;
  overflow-wrap: anywhere; }}
h2 {{ font-size: 16px; margin: 0; }}
p {{ margin: 2px 0 0; color: var(--faint); font-size: 13.5px; overflow-wrap: anywhere; }}
section {{ background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 18px 20px; margin-top: 16px; break-inside: avoid; }}
section > p {{ margin-bottom: 12px; max-width: 80ch; }}
dl {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin: 20px 0 0; }}
dl div {{ background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 12px 16px; }}
dt {{ color: var(--faint); font-size: 13px; }}
dd {{ margin: 0; font-size: 24px; line-height: 1.25; font-weight: 600;
  font-variant-numeric: tabular-nums; }}
dd small {{ display: block; color: var(--faint); font-size: 12.5px; font-weight: 400; }}
.scroll {{ overflow-x: auto; }}
svg {{ width: 100%; min-width: 640px; height: auto; display: block; overflow: visible; }}
svg text {{ fill: var(--text); font-size: 12.5px; }} svg text.faint {{ fill: var(--faint); }}
.grid {{ stroke: var(--line); }} .track {{ fill: var(--track); }}
.good {{ fill: var(--good); background: var(--good); }}
.bad {{ fill: var(--bad); background: var(--bad); }}
.warn {{ fill: var(--warn); background: var(--warn); }}
.other {{ fill: var(--other); background: var(--other); }}
.curve {{ fill: none; stroke: var(--ink); stroke-width: 2; }}
.area {{ fill: var(--ink); opacity: .12; }}
section > .legend {{ margin-bottom: 0; }}
.legend {{ display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 8px; }}
.legend i {{ display: inline-block; width: 10px; height: 10px; border-radius: 3px;
  margin-right: 6px; }}
.legend .track {{ background: var(--track); border: 1px solid var(--line); }}
.meter {{ background: var(--track); border-radius: 4px; min-width: 90px; height: 8px;
  margin-top: 7px; overflow: hidden; }} .meter i {{ display: block; height: 100%; }}
table {{ border-collapse: collapse; width: 100%; font-size: 14px; margin-top: 8px; }}
td, th {{ text-align: left; padding: 6px 16px 6px 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; vertical-align: top; }}
tr:last-child td {{ border-bottom: 0; }} th {{ color: var(--faint); font-weight: 500; }}
td:first-child {{ min-width: 7em; }}
td:last-child, th:last-child {{ padding-right: 0; }}
td.n, th.n {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
td small {{ color: var(--faint); display: block; }}
@media print {{
  :root {{ color-scheme: light; {LIGHT} --ground:#fff; }}
  body {{ padding: 0; max-width: none; font-size: 12px; }}
  * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  section, dl div {{ border-radius: 6px; }} svg {{ min-width: 0; }}
}}
"""
