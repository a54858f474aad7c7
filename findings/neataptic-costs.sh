#!/usr/bin/env bash
# What:      the costs CROSS_ENTROPY and MSLE
# Version:   neataptic 1.4.7 (npm, its latest)
# Behavior:  the cross-entropy of a perfect output is NaN, though it guards against log(0): the
#            guard is on the wrong side of "1 -". The mean squared logarithmic error neither squares
#            nor averages: it is negative for outputs that are too large.
# Right:     0 for outputs equal to the targets (0 log 0 = 0; synaptic 1.1.4 gives -2e-15); MSLE is
#            a mean of squares, as in Keras and scikit-learn, so at least 0
# Seen:      NaN; -0.69 for the target 1 and the output 2; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund neataptic@1.4.7
node - <<'JS'
const { CROSS_ENTROPY, MSLE } = require("neataptic").methods.cost;
const perfect = CROSS_ENTROPY([1, 0], [1, 0]);
const near = CROSS_ENTROPY([1, 0], [0.9, 0.1]);
console.log("cross-entropy:", perfect, "near by:", near);
console.log("MSLE, target 1:", MSLE([1], [2]), "for 2,", MSLE([1], [0.5]), "for 0.5");
console.log("MSLE of two opposite errors:", MSLE([1, 1], [2, 0.5]));
const unchanged =
  Number.isNaN(perfect) &&
  Math.abs(near + Math.log(0.9)) < 1e-9 &&
  Math.abs(MSLE([1], [2]) + Math.log(2)) < 1e-9 &&
  Math.abs(MSLE([1, 1], [2, 0.5])) < 1e-9;
console.log(unchanged ? "unchanged: NaN and a negative square" : "CHANGED");
process.exit(unchanged ? 0 : 1);
JS
