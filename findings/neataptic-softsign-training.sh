#!/usr/bin/env bash
# What:      training a hidden neuron with the activation SOFTSIGN
# Version:   neataptic 1.4.7 (npm, its latest)
# Behavior:  the derivative it trains with is x / (1 + |x|)^2: of the wrong sign for x < 0, where
#            its bias and weights move the wrong way, and 0 at x = 0, where it stays. Of all
#            activations it is the one whose derivative fails a difference quotient.
# Right:     1 / (1 + |x|)^2, the derivative of x / (1 + |x|), which the activation computes
# Seen:      -0.25 at x = -1, a difference quotient 0.25; the bias moves by -0.024 where it must
#            rise; 2026-11-29
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund neataptic@1.4.7
node - <<'JS'
const { architect, methods } = require("neataptic");
const softsign = methods.activation.SOFTSIGN;
const quotient = (softsign(-1 + 1e-6) - softsign(-1 - 1e-6)) / 2e-6;
console.log("derivative at -1:", softsign(-1, true), "difference quotient:", quotient);

function move(squash, bias) {
  const network = new architect.Perceptron(1, 1, 1);
  const [, hidden, output] = network.nodes;
  Object.assign(hidden, { squash, bias });
  Object.assign(output, { squash: methods.activation.IDENTITY, bias: 0 });
  network.connections.forEach((connection) => (connection.weight = 1));
  network.activate([0]);
  network.propagate(0.1, 0, true, [0.5]);
  return hidden.bias - bias;
}

// The output must rise to the target, and with it the bias of the hidden neuron.
const wrong = move(softsign, -1);
const right = move(methods.activation.TANH, -1);
console.log("the bias moves by", wrong, "with TANH by", right);
const unchanged =
  softsign(-1, true) === -0.25 &&
  Math.abs(quotient - 0.25) < 1e-6 &&
  wrong < 0 &&
  right > 0 &&
  move(softsign, 0) === 0;
console.log(unchanged ? "unchanged: it trains away from the target" : "CHANGED");
process.exit(unchanged ? 0 : 1);
JS
