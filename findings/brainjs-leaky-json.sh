#!/usr/bin/env bash
# What:      saving a leaky ReLU network of brain.js by toJSON and loading it by fromJSON
# Version:   brain.js 1.6.1 (its latest)
# Behavior:  the JSON names the activation and keeps the training options, but not leakyReluAlpha:
#            the loaded network computes with 0.01. toFunction() of the same network keeps it.
# Right:     the outputs before saving, to the last bit: the weights are stored as float64 digits
# Seen:      with alpha 0.3: 0.1072 before, 0.0033 after; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund brain.js@1.6.1
node - <<'JS'
const { NeuralNetwork } = require("brain.js");
let seed = 1;
Math.random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const options = { activation: "leaky-relu", leakyReluAlpha: 0.3, hiddenLayers: [4] };
const network = new NeuralNetwork(options);
network.train([{ input: [0, 0], output: [0] }, { input: [1, 1], output: [1] }], { iterations: 1 });
const text = JSON.stringify(network.toJSON());
const loaded = new NeuralNetwork();
loaded.fromJSON(JSON.parse(text));
const inputs = [[-9, -9], [9, 9], [-9, 9], [9, -9]];
console.log("before", network.run(inputs[0])[0], "after", loaded.run(inputs[0])[0]);
const worst = (other) =>
  Math.max(...inputs.map((x) => Math.abs(network.run(x)[0] - other(x)[0])));
console.log("largest difference, JSON:", worst((x) => loaded.run(x)));
console.log("largest difference, toFunction:", worst(network.toFunction()));
const unchanged =
  !text.includes("leakyReluAlpha") &&
  worst((x) => loaded.run(x)) > 1e-3 &&
  worst(network.toFunction()) < 1e-5;
console.log(unchanged ? "unchanged: the slope is lost on the way" : "CHANGED");
process.exit(unchanged ? 0 : 1);
JS
