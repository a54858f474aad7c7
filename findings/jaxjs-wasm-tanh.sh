#!/usr/bin/env bash
# What:      tanh, erf and exp of jax-js' WebAssembly backend, the default where WebGPU is missing
# Version:   @jax-js/jax 0.1.25
# Behavior:  small inputs lose their digits: tanh(1e-4) is 3.2e-5 off (441 float32 ULP),
#            tanh(1e-6) 1.3 %, tanh(1e-8) and erf(1e-8) are 0, so a network started with tiny
#            weights is silent; exp(88.7) is inf. The package's cpu backend has every digit, and
#            so has wasm for an array of one element.
# Right:     tanh(x) = x - x^3/3 + ..., erf(x) = 2 x / sqrt(pi) - ..., exp(88.7) = 3.325977e38,
#            below float32's largest, 3.402823e38
# Seen:      tanh 0, 1.01328e-6, 9.999679e-5 at 1e-8, 1e-6, 1e-4; erf 0; exp Infinity; 2026-11-28
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"private": true}' > package.json
npm install --silent --ignore-scripts --no-audit --no-fund @jax-js/jax@0.1.25
cat > check.mjs <<'JS'
globalThis.navigator ??= {}; // Node before 21 has none, and jax-js asks it for WebGPU
const { init, defaultDevice, numpy: np, scipySpecial } = await import("@jax-js/jax");
await init();
const values = (device) => {
  defaultDevice(device);
  const tanh = np.tanh(np.array([1e-8, 1e-4, 1e-6])).js();
  const [erf] = scipySpecial.erf(np.array([1e-8, 1])).js();
  const [exp] = np.exp(np.array([88.7, 1])).js();
  console.log(device, "tanh", tanh, "erf", erf, "exp", exp);
  return { tanh, erf, exp };
};
const wasm = values("wasm");
const cpu = values("cpu");
const off = (x) => Math.abs(x.tanh[1] / Math.tanh(Math.fround(1e-4)) - 1);
console.log("relative error of tanh(1e-4): wasm", off(wasm), "cpu", off(cpu));
const unchanged =
  wasm.tanh[0] === 0 && wasm.erf === 0 && wasm.exp === Infinity && off(wasm) > 1e-5 &&
  cpu.tanh[0] > 9e-9 && cpu.erf > 1e-8 && Number.isFinite(cpu.exp) && off(cpu) < 1e-7;
console.log(unchanged ? "unchanged: small inputs lose their digits" : "CHANGED");
process.exit(unchanged ? 0 : 1);
JS
node check.mjs
