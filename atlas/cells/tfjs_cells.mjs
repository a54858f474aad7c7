// TensorFlow.js for tfjs_cells.py: node tfjs_cells.mjs PLACE, where PLACE/node_modules holds the
// package. A question is a line of JavaScript, a function body, with arrays by name.
import { createRequire } from "node:module";
import readline from "node:readline";

console.log = console.info = console.warn = console.error;
const tf = createRequire(`${process.argv[2]}/`)("@tensorflow/tfjs");
await tf.setBackend("cpu");
const Asynchronous = Object.getPrototypeOf(async () => {}).constructor;

async function answer({ line, arrays }) {
  const given = {};
  for (const [name, { numbers, shape }] of Object.entries(arrays)) {
    given[name] = tf.tensor(numbers, shape);
  }
  const found = await new Asynchronous("tf", "given", line)(tf, given);
  const outputs = found.map((y) => ({ shape: y.shape, numbers: Array.from(y.dataSync(), String) }));
  return { outputs };
}

for await (const question of readline.createInterface({ input: process.stdin })) {
  let told;
  try {
    told = await answer(JSON.parse(question));
  } catch (error) {
    told = { error: String(error.message ?? error).split("\n")[0] };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
