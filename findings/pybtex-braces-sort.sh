#!/usr/bin/env bash
# What:      the order of a bibliography in pybtex, where an author is an organization in braces
# Version:   pybtex 0.26.1
# Behavior:  the style "plain" sorts what stands in the file, so {IBM} comes behind Zhang, as every
#            name does that is kept in one piece by braces; the braces are not shown
# Right:     BibTeX's plain.bst sorts by purify$ of the names, which drops braces (btxhak,
#            "purify$": removes nonalphanumeric characters except white space): IBM, Lang, Zhang
# Seen:      Lang, Zhang, IBM; without the braces IBM, Lang, Zhang; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
python=$dir/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check pybtex==0.26.1
"$python" - <<'PY'
import sys

from pybtex.database import parse_string
from pybtex.style.formatting.plain import Style

ENTRIES = """
@misc{zhang, author = {Zhang, Chiyuan}, title = {On Generalization}, year = 2017}
@misc{ibm, author = {%s}, title = {A Standard}, year = 1990}
@misc{lang, author = {Lang, Kevin}, title = {On Spirals}, year = 1988}
"""


def order(author):
    entries = parse_string(ENTRIES % author, "bibtex").entries
    return [entry.key for entry in Style().sort(entries.values())]


braces, plain = order("{IBM}"), order("IBM")
print("in braces:", *braces)
print("without:  ", *plain)
unchanged = braces == ["lang", "zhang", "ibm"] and plain == ["ibm", "lang", "zhang"]
print("unchanged: a name in braces comes last" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
