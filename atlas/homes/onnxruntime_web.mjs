// ONNX Runtime Web for onnxruntime_web.py: node onnxruntime_web.mjs PLACE, where PLACE/node_modules
// holds the package.
import { createRequire } from "node:module";
import readline from "node:readline";

console.log = console.info = console.error;
const ort = createRequire(`${process.argv[2]}/`)("onnxruntime-web");
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";
const KINDS = { float16: Uint16Array, float32: Float32Array, float64: Float64Array };

async function answer({ model, kind, numbers, shape }) {
  const bytes = Uint8Array.from(Buffer.from(numbers, "base64"));
  const x = new ort.Tensor(kind, new KINDS[kind](bytes.buffer), shape);
  const options = { executionProviders: ["wasm"] };
  const session = await ort.InferenceSession.create(Buffer.from(model, "base64"), options);
  try {
    const { y } = await session.run({ x });
    const out = Buffer.from(y.data.buffer, y.data.byteOffset, y.data.byteLength);
    return { shape: y.dims, numbers: out.toString("base64") };
  } finally {
    await session.release();
  }
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
