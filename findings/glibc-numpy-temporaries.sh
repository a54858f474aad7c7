#!/usr/bin/env bash
# What:      page faults of a NumPy loop that makes and frees twelve temporaries of 64 KB
# Version:   NumPy 2.4.6 on glibc 2.36 (Debian 12); nothing of this on other C libraries
# Behavior:  every turn faults in some of the same pages again, for glibc gives the end of its heap
#            back as soon as 128 KB are free. After one larger array was made and freed, without
#            being touched, it faults no more: the limit has become twice that array
# Right:     memory that was freed a moment ago serves the next temporary (mallopt(3) describes both
#            limits, M_TRIM_THRESHOLD and the M_MMAP_THRESHOLD that adjusts itself)
# Seen:      112 page faults a turn before, 1 after; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6
env -u MALLOC_TRIM_THRESHOLD_ -u MALLOC_MMAP_THRESHOLD_ "$dir/venv/bin/python" - <<'PY'
import resource
import sys

import numpy as np

x = np.linspace(0, 1, 16_384, dtype=np.float32)


def faults(turns=200):
    """Return the page faults of a turn."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(turns):
        kept = [x + i for i in range(12)]
        del kept
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / turns


faults()
first = faults()
np.empty(31 * 2**20, np.uint8)
second = faults()
print(f"page faults a turn: {first:.0f}, and after one large array {second:.0f}")
unchanged = first > 20 > 1 > second
print("unchanged: one large array speeds up the small ones" if unchanged else "CHANGED")
sys.exit(not unchanged)
PY
