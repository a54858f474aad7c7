// TensorFlow.js for tfjs_carried.py: node tfjs_carried.mjs PLACE; a network of layers and its input.
import { createRequire } from "node:module";
import readline from "node:readline";

console.log = console.info = console.error;
const tf = createRequire(`${process.argv[2]}/`)("@tensorflow/tfjs");
await tf.setBackend("cpu");

function tensor({ numbers, shape }) {
  const bytes = Uint8Array.from(Buffer.from(numbers, "base64"));
  return tf.tensor(new Float32Array(bytes.buffer), shape);
}

function answer({ layers, weights, x }) {
  const model = tf.sequential({ layers: layers.map(([kind, told]) => tf.layers[kind](told)) });
  model.setWeights(weights.map(tensor));
  const y = model.predict(tensor(x), { batchSize: 1000 });
  return { shape: y.shape, numbers: Buffer.from(y.dataSync().buffer).toString("base64") };
}

for await (const question of readline.createInterface({ input: process.stdin })) {
  let told;
  try {
    told = answer(JSON.parse(question));
  } catch (error) {
    told = { error: String(error.message ?? error).split("\n")[0] };
  }
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
