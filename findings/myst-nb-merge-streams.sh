#!/usr/bin/env bash
# What:      pieces of what a cell printed, merged by myst-nb (nb_merge_streams) before they are shown
# Version:   myst-nb 1.4.0 (its latest)
# Behavior:  each piece loses its spaces and newlines at the end and gets one newline: how often the
#            kernel happened to flush decides where lines break, and blank lines are lost
# Right:     the text that was printed, as nbclient's coalesce_streams and a terminal show it
# Seen:      "loss " and "0.5\n\n" and "  next\n" become "loss\n0.5\n  next\n"; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check myst-nb==1.4.0
"$dir/venv/bin/python" - <<'PY'
import sys
from nbformat.v4 import new_output
from myst_nb.core.utils import coalesce_streams

pieces = ["loss ", "0.5\n\n", "  next\n"]
outputs = [new_output("stream", name="stdout", text=text) for text in pieces]
merged = "".join(output["text"] for output in coalesce_streams(outputs))
print("printed", repr("".join(pieces)))
print("shown  ", repr(merged))
unchanged = merged == "loss\n0.5\n  next\n"
print("unchanged: pieces are lines" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
