#!/usr/bin/env bash
# What:      latex2mathml on the environment `aligned`, which amsmath has for lines that line up
# Version:   latex2mathml 3.81.1 (its latest)
# Behavior:  `align` becomes a table; `aligned` becomes one row in which each & is a letter, not
#            even escaped, so that the result is no XML. No error, no warning.
# Right:     a table of two rows, as for `align` and as in amsmath's guide; or an error
# Seen:      <mi>&</mi>, and an XML parser that stops there; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet latex2mathml==3.81.1
"$dir/venv/bin/python" - <<'PY'
from xml.etree import ElementTree

from latex2mathml.converter import convert

lines = r"\begin{%s} y &= 2x \\ z &= 3y \end{%s}"
table, row = (convert(lines % (name, name)) for name in ("align", "aligned"))
print("align:", table.count("<mtr>"), "rows")
print("aligned:", row)
try:
    ElementTree.fromstring(row)
    well_formed = True
except ElementTree.ParseError as error:
    print("an XML parser says:", error)
    well_formed = False
unchanged = table.count("<mtr>") == 2 and "<mtr>" not in row and not well_formed
print("unchanged: & is a letter" if unchanged else "CHANGED")
raise SystemExit(not unchanged)
PY
