#!/usr/bin/env bash
# What:      the option `activation` of mljs' feed-forward network
# Version:   ml-fnn 5.0.0 (its latest)
# Behavior:  every network is a tanh network: the name is looked up among the indices of a list of
#            names, never found, and replaced by the default without a word
# Right:     the fourteen activations that its documentation lists; with "identity" a linear model
# Seen:      "relu", "logistic" and "identity" train to the same weights as "tanh"; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund ml-fnn@5.0.0
node - <<'JS'
const Network = require("ml-fnn");
const train = (activation) => {
  let seed = 1;
  Math.random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const options = { hiddenLayers: [3], iterations: 200, learningRate: 0.1, activation };
  const network = new Network(options);
  network.train([[0, 0], [0, 1], [1, 0], [1, 1]], ["a", "b", "b", "a"]);
  return JSON.stringify(network.toJSON());
};
const tanh = train("tanh");
let unchanged = true;
for (const name of ["relu", "logistic", "identity"]) {
  const other = train(name);
  const stored = JSON.parse(other).activation;
  console.log(name, "is stored as", stored, "- same weights:", other === tanh);
  unchanged = unchanged && other === tanh;
}
console.log(unchanged ? "unchanged: every activation is tanh" : "CHANGED");
process.exit(unchanged ? 0 : 1);
JS
