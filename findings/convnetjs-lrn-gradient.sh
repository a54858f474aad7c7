#!/usr/bin/env bash
# What:      the backward pass of ConvNetJS' local response normalization, and its squared loss
# Version:   convnetjs 0.3.0 (its latest)
# Behavior:  the derivative of output i with respect to another channel j uses a_j * a_j where the
#            formula has a_i * a_j: wrong in size, and in sign where the two differ. The regression
#            layer reports 2 * sum(d^2) and goes down the gradient of sum(d^2) / 2, a fourth of it.
# Right:     y_i = a_i S_i^-b, so dy_i/da_j = -2 (alpha/n) b a_i a_j S_i^(-b-1) for j != i
#            (Krizhevsky et al. 2012, section 3.3; central differences below)
# Seen:      [0.2873, -0.2918, -0.1553] for sum(y) at [1, -2, 3] instead of
#            [0.3465, 0.4313, 0.1403]; the reported loss is as steep as 4 gradients; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund convnetjs@0.3.0
node - <<'JS'
const { Vol, LocalResponseNormalizationLayer, RegressionLayer } = require("convnetjs");
const volume = (values) => {
  const v = new Vol(1, 1, values.length, 0);
  values.forEach((x, i) => v.set(0, 0, i, x));
  return v;
};
const step = 1e-5;
const slope = (f, a, j) => {
  const moved = (by) => f(a.map((x, i) => (i === j ? x + by : x)));
  return (moved(step) - moved(-step)) / (2 * step);
};
const a = [1, -2, 3];
const lrn = new LocalResponseNormalizationLayer(
  { k: 1, n: 3, alpha: 1.5, beta: 0.75, in_sx: 1, in_sy: 1, in_depth: 3 });
const total = (x) => lrn.forward(volume(x), true).w.reduce((s, y) => s + y, 0);
const input = volume(a);
lrn.forward(input, true).dw.fill(1);
lrn.backward();
const said = Array.from(input.dw);
const right = a.map((_, j) => slope(total, a, j));
console.log("LRN backward", said.map((x) => x.toFixed(4)), "right", right.map((x) => x.toFixed(4)));
const squared = new RegressionLayer({ in_sx: 1, in_sy: 1, in_depth: 3 });
const loss = (x) => { squared.forward(volume(x), true); return squared.backward([0, 0, 0]); };
const point = volume(a);
squared.forward(point, true);
squared.backward([0, 0, 0]);
const ratios = a.map((_, j) => slope(loss, a, j) / point.dw[j]);
console.log("slope of the reported loss over the gradient used", ratios.map((x) => x.toFixed(4)));
const unchanged =
  said.some((x, j) => Math.abs(x - right[j]) > 0.1) && ratios.every((x) => Math.abs(x - 4) < 1e-3);
console.log(unchanged ? "unchanged: both are wrong" : "CHANGED");
process.exit(unchanged ? 0 : 1);
JS
