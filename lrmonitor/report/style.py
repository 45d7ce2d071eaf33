"""The report's style sheet: light or dark as the reader's system is."""

from __future__ import annotations

_LIGHT = (
    "--back:#ffffff;--text:#1b1f26;--quiet:#59616e;--line:#d3d7de;--grid:#e9ebef;--good:#00734f;"
    "--warn:#8a5300;--bad:#b3261e;--mark:#7d4698;--fill:#f3f4f6;"
)
_DARK = (
    "--back:#17191d;--text:#e8eaee;--quiet:#a7aebb;--line:#3d424b;--grid:#2a2e35;--good:#4cc9a0;"
    "--warn:#f0b24a;--bad:#ff8a80;--mark:#c79be0;--fill:#202328;"
)
_LIGHT_CURVES = (
    "#0072b2", "#d55e00", "#008f68", "#b8588f", "#a87500", "#2a8fce", "#5c5c5c", "#8a7f00",
)  # fmt: skip
_DARK_CURVES = (
    "#56b4e9", "#e8843c", "#2fc597", "#d98bb8", "#e6b23c", "#4a90d0", "#b5b5b5", "#f0e442",
)  # fmt: skip


def _curves(colours: tuple[str, ...]) -> str:
    return "".join(f"--c{at}:{colour};" for at, colour in enumerate(colours))


STYLE = (
    f":root{{{_LIGHT}{_curves(_LIGHT_CURVES)}}}"
    f"@media(prefers-color-scheme:dark){{:root{{{_DARK}{_curves(_DARK_CURVES)}}}}}"
    "@media print{:root{color-scheme:light}figure{break-inside:avoid}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--back);color:var(--text);"
    "font:15px/1.5 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "main{max-width:1060px;margin:0 auto;padding:28px 20px 40px}"
    "h1{font-size:1.7em;margin:0 0 6px;overflow-wrap:anywhere}h2{font-size:1.2em;margin:32px 0 8px}"
    ".state{margin:0 0 14px}.state strong{margin-right:.4em;color:var(--quiet)}"
    ".training strong,.ended strong{color:var(--good)}.paused strong,.stalled strong"
    "{color:var(--warn)}.failed strong,.killed strong,.lost strong{color:var(--bad)}"
    ".facts{display:flex;flex-wrap:wrap;gap:10px 34px;margin:0}.facts dt{color:var(--quiet);"
    "font-size:.85em}.facts dd{margin:0;font-weight:600}"
    ".quiet,footer{color:var(--quiet);font-size:.9em}"
    "figure{margin:14px 0}figcaption{margin-left:7%}.key{margin-left:1.4em;color:var(--quiet);"
    "font-size:.85em;white-space:nowrap}.key svg{display:inline;width:24px;margin-right:.4em;"
    "vertical-align:middle}"
    "svg{display:block;width:100%;height:auto}"
    "svg text{fill:var(--quiet);font-size:12px}svg path{fill:none;stroke-width:2;"
    "stroke-linejoin:round;stroke-linecap:round}"
    "svg .grid{stroke:var(--grid);stroke-width:1}svg .axis{stroke:var(--line);stroke-width:1}"
    ".mark path{stroke:var(--mark);stroke-width:1.5;stroke-dasharray:4 3;pointer-events:stroke}"
    "svg .lost{fill:var(--bad)}.shade{fill:var(--warn);opacity:.14}.shade.critical{fill:var(--bad)}"
    "td.bad{color:var(--bad)}td.warn{color:var(--warn)}"
    "svg .raw{stroke-width:1;opacity:.4}svg .dash{stroke-dasharray:5 4;opacity:.7}"
    + "".join(f"svg .c{at}{{stroke:var(--c{at})}}" for at in range(8))
    + ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92em}"
    "th,td{text-align:left;vertical-align:top;padding:5px 12px 5px 0;"
    "border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--quiet);"
    "font-weight:600;white-space:nowrap}.plain td:first-child{color:var(--quiet);"
    "white-space:nowrap;width:1%}td:first-child{white-space:nowrap}"
    "footer{margin-top:36px;border-top:1px solid var(--line);padding-top:10px}"
)
"""Colours are those of the window's themes."""
