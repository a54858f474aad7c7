// ONNX Runtime Web for onnxruntime_web_cells.py: node onnxruntime_web_cells.mjs PLACE, where
// PLACE/node_modules holds the package. Answers all outputs, in the order of the model.
import { createRequire } from "node:module";
import readline from "node:readline";

console.log = console.info = console.error;
const ort = createRequire(`${process.argv[2]}/`)("onnxruntime-web");
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "fatal";
const KINDS = { float16: Uint16Array, float32: Float32Array };

async function answer({ model, kind, numbers, shape }) {
  const bytes = Uint8Array.from(Buffer.from(numbers, "base64"));
  const x = new ort.Tensor(kind, new KINDS[kind](bytes.buffer), shape);
  const options = { executionProviders: ["wasm"] };
  const session = await ort.InferenceSession.create(Buffer.from(model, "base64"), options);
  try {
    const found = await session.run({ x });
    const outputs = session.outputNames.map((name) => {
      const { data, dims } = found[name];
      const out = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      return { shape: dims, numbers: out.toString("base64") };
    });
    return { outputs };
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
