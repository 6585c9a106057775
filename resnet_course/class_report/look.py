"""How the page looks, in light and dark. The colours are those of the course's figures."""

from __future__ import annotations

from resnet_course.class_report.markup import Html
from resnet_course.plotting.style import BLUE, INK, ORANGE, SKY, SOFT_INK, VERMILLION

STYLE = f"""
:root {{ color-scheme: light dark; --ink: {INK}; --soft: {SOFT_INK}; --page: #ffffff; --rule: #d5d5d5;
  --passed: {BLUE}; --trying: {VERMILLION}; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #ececec; --soft: #b4b4b4; --page: #16191d; --rule: #44494f; --passed: {SKY}; --trying: {ORANGE}; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 1rem 1rem 4rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }}
h1 {{ font-size: clamp(1.5rem, 6vw, 2rem); }}
h1, h2, h3 {{ line-height: 1.25; text-wrap: balance; }}
h2 {{ margin: 3rem 0 0.6rem; padding-top: 0.8rem; border-top: 2px solid var(--rule); }}
h3 {{ margin: 2rem 0 0.4rem; font-size: 1.1rem; }}
.whole {{ white-space: nowrap; }}
p, ul {{ max-width: 44rem; }}
a {{ color: inherit; }}
nav ul {{ display: flex; flex-wrap: wrap; gap: 0.4rem 1.4rem; padding: 0; list-style: none; max-width: none; }}
.soft, figcaption {{ color: var(--soft); }}
.tiles {{ display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1rem 0; padding: 0; list-style: none; max-width: none; }}
.tiles li {{ flex: 1 1 9rem; padding: 0.7rem 1rem; border: 1px solid var(--rule); border-radius: 6px; }}
.tiles strong {{ display: block; font-size: 1.7rem; line-height: 1.2; }}
.key {{ display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; padding: 0; list-style: none; }}
figure {{ margin: 1rem 0 1.6rem; }}
figcaption {{ font-size: 0.9rem; margin: 0.3rem 0; }}
figcaption strong {{ color: var(--ink); }}
.grid {{ display: grid; gap: 0.5rem 2.2rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); }}
.grid figure {{ margin: 0; display: grid; grid-row: span 3; grid-template-rows: subgrid; row-gap: 0; }}
.grid details {{ margin-bottom: 1.2rem; }}
svg {{ display: block; width: 100%; font-size: 0.875rem; overflow: visible; }}
svg.swatch {{ display: inline-block; width: 1em; height: 1em; margin-right: 0.4em; vertical-align: -0.12em; }}
svg.share {{ display: inline-block; width: 6rem; height: 0.8em; }}
.number {{ display: inline-block; min-width: 2.2rem; }}
text {{ fill: var(--ink); stroke: var(--page); stroke-width: 3px; paint-order: stroke; }}
text.strong {{ font-weight: 700; }}
.bar, .passed {{ fill: var(--passed); }}
.trying {{ fill: url(#stripes); stroke: var(--trying); }}
.untried {{ fill: none; stroke: var(--soft); stroke-width: 0.6px; }}
.stripe {{ stroke: var(--trying); stroke-width: 5px; }}
.axis {{ stroke: var(--soft); }}
.mark {{ stroke: var(--ink); stroke-width: 2px; stroke-dasharray: 5 4; }}
.wide {{ overflow-x: auto; margin: 0.5rem 0; }}
table {{ border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; color: var(--soft); padding-bottom: 0.3rem; }}
th, td {{ text-align: left; vertical-align: top; padding: 0.3rem 1rem 0.3rem 0; border-bottom: 1px solid var(--rule);
  overflow-wrap: normal; font-weight: 400; }}
thead th {{ font-weight: 700; }}
.mistakes {{ table-layout: fixed; width: 100%; }}
.mistakes th, .mistakes td {{ overflow-wrap: break-word; }}
.mistakes th:first-child {{ width: 32%; }}
.mistakes th:nth-child(2) {{ width: 11rem; }}
@media (max-width: 40rem) {{
  .mistakes th, .mistakes td {{ padding-right: 0.5rem; }}
  .mistakes th:first-child {{ width: 38%; }}
  .mistakes th:nth-child(2) {{ width: 4.8rem; }}
  .mistakes .share {{ display: none; }}
}}
summary {{ cursor: pointer; font-size: 0.9rem; width: fit-content; }}
:focus-visible {{ outline: 3px solid var(--passed); outline-offset: 2px; }}
"""

# Stripes repeat what the colour says. One definition serves all drawings of the page.
STRIPES = Html(
    '<svg aria-hidden="true" style="position:absolute;width:0;height:0"><defs>'
    '<pattern id="stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="stripe" x1="0" x2="0" y1="0" y2="7"></line></pattern></defs></svg>'
)
