#!/usr/bin/env bash
# What:      the gradient of numpy.power(x, 2) at 0 in jax-js, JAX's interface for the browser
# Version:   @jax-js/jax 0.1.25, its backends cpu and wasm
# Behavior:  NaN: a squared error written with power turns all weights into NaN as soon as one
#            prediction is exact. square(x) and x * x give 0.
# Right:     2 x = 0; the original's jnp.power(x, 2) and jnp.power(x, 2.0) give 0 (jax 0.10.2)
# Seen:      [-4, NaN, 4] at [-2, 0, 2], both backends; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund @jax-js/jax@0.1.25
cat > check.mjs <<'JS'
globalThis.navigator ??= {}; // Node before 21 has none, and jax-js asks it for WebGPU
const { init, defaultDevice, grad, numpy: np } = await import("@jax-js/jax");
await init();
let unchanged = true;
for (const device of ["cpu", "wasm"]) {
  defaultDevice(device);
  const slopes = (f) => grad((x) => np.sum(f(x)))(np.array([-2, 0, 2])).js();
  const power = slopes((x) => np.power(x, 2));
  const square = slopes((x) => np.square(x));
  console.log(device, "power", power, "square", square);
  unchanged &&= Number.isNaN(power[1]) && power[0] === -4 && square[1] === 0;
}
console.log(unchanged ? "unchanged: the gradient at 0 is NaN" : "CHANGED");
process.exit(unchanged ? 0 : 1);
JS
node check.mjs
