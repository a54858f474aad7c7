#!/usr/bin/env bash
# What:      the time that `import nbformat` takes, with and without the formats of jsonschema
# Version:   nbformat 5.10.4, jsonschema 4.25.1, rfc3987-syntax 1.1.0 (what JupyterLab brings along)
# Behavior:  jsonschema imports every format checker it finds; rfc3987-syntax compiles a grammar of
#            internationalized addresses at import: most of the time, though no notebook asks for it
# Right:     a notebook's schema has no such format; an optional checker is loaded when it is used
# Seen:      0.17 s of CPU without, 2.4 s with the formats; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
install() { "$dir/$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"; }
for kind in plain formats; do python3 -m venv "$dir/$kind"; done
install plain nbformat==5.10.4 jsonschema==4.25.1
install formats nbformat==5.10.4 "jsonschema[format-nongpl]==4.25.1" rfc3987-syntax==1.1.0
cat > "$dir/time.py" <<'PY'
import time
start = time.process_time()
import nbformat
print(time.process_time() - start)
PY
for kind in plain formats; do
  "$dir/$kind/bin/python" "$dir/time.py" > "$dir/$kind.first"  # compiles what is compiled once
  "$dir/$kind/bin/python" "$dir/time.py" > "$dir/$kind.seconds"
  echo "$kind: $(cat "$dir/$kind.seconds") s"
done
python3 - "$dir" <<'PY'
import pathlib, sys
plain, formats = (float(pathlib.Path(sys.argv[1], f"{k}.seconds").read_text()) for k in ("plain", "formats"))
unchanged = formats > 3 * plain
print("unchanged: an unused checker takes most of the import" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
