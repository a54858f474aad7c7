#!/usr/bin/env bash
# What:      the optimizer tf.train.adadelta
# Version:   TensorFlow.js 4.22.0 (npm @tensorflow/tfjs), its plain JavaScript backend
# Behavior:  it is gradient descent, whatever rho and epsilon: it divides by the mean of squares
#            before it takes the new gradient in, so that both accumulators start alike, the step
#            is the gradient, and they stay alike for ever
# Right:     Zeiler (2012), which its page cites: the mean that includes the new gradient; a first
#            step of 0.1 sqrt(1e-7) / sqrt(0.05 * 100 + 1e-7) * 10 = 0.000141 for the gradient 10
# Seen:      steps of 1, 0.1, 0.001 for the gradients 10, 1, 0.01 with the learning rate 0.1;
#            2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund @tensorflow/tfjs@4.22.0
node - <<'JS'
const tf = require("@tensorflow/tfjs");
const GRADIENTS = [10, 1, 0.01, 10, 3];

function steps(optimizer) {
  const weight = tf.variable(tf.scalar(0));
  let before = 0;
  return GRADIENTS.map((gradient) => {
    optimizer.minimize(() => weight.mul(gradient), false, [weight]);
    const now = weight.dataSync()[0];
    const step = before - now;
    before = now;
    return step;
  });
}

function zeiler(rho, epsilon) {
  let squares = 0;
  let updates = 0;
  return GRADIENTS.map((gradient) => {
    squares = rho * squares + (1 - rho) * gradient ** 2;
    const step = (Math.sqrt(updates + epsilon) / Math.sqrt(squares + epsilon)) * gradient;
    updates = rho * updates + (1 - rho) * step ** 2;
    return 0.1 * step;
  });
}

(async () => {
  await tf.setBackend("cpu");
  const sgd = steps(tf.train.sgd(0.1));
  console.log("SGD", sgd);
  let unchanged = zeiler(0.95, 1e-7).every((step) => step < 0.001);
  for (const [rho, epsilon] of [[0.95, 1e-7], [0.5, 1e-7], [0.95, 0.01]]) {
    const seen = steps(tf.train.adadelta(0.1, rho, epsilon));
    console.log("rho", rho, "epsilon", epsilon, seen, "right:", zeiler(rho, epsilon));
    unchanged &&= seen.every((step, i) => Math.abs(step - sgd[i]) < 1e-6);
  }
  console.log(unchanged ? "unchanged: Adadelta is gradient descent" : "CHANGED");
  process.exit(unchanged ? 0 : 1);
})();
JS
