#!/usr/bin/env bash
# What:      STIX Two Math as the npm package of Fontsource has it
# Version:   @fontsource/stix-two-math 5.3.0 (its latest)
# Behavior:  the MATH table is there, and most of the layout is not: the feature `ssty`, by which
#            a renderer asks for the forms of scripts, is missing
# Right:     the features of the original: OpenType's chapter on the MATH table has `ssty` for the
#            forms of scripts (learn.microsoft.com/typography/opentype/spec/math), and STIX Two Math
#            2.13 has it (sile-typesetter/sile, commit cb64f9e, sets its primes with it)
# Seen:      a MATH table and the features listed below, no ssty; 2026-11-30
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund @fontsource/stix-two-math@5.3.0
python3 -m venv venv
venv/bin/pip install --quiet fonttools==4.63.0 brotli==1.2.0
venv/bin/python - <<'PY'
from pathlib import Path

from fontTools.ttLib import TTFont

found = []
for path in sorted(Path("node_modules/@fontsource/stix-two-math/files").glob("*.woff2")):
    font = TTFont(path)
    table = font["GSUB"].table.FeatureList if "GSUB" in font else None
    features = sorted({r.FeatureTag for r in table.FeatureRecord}) if table else []
    print(path.name, "MATH" in font, features)
    found.append(("MATH" in font, "ssty" in features))
unchanged = any(math for math, _ in found) and not any(scripts for _, scripts in found)
print("unchanged: formulas without the forms of scripts" if unchanged else "CHANGED")
raise SystemExit(not unchanged)
PY
