// ONNX Runtime as the peer of encoder_bench: the same lines in, the same lines out.
//   node peer_ort.js FOLDER THREADS float32|int8     (NODE_PATH holds onnxruntime-node)
const ort = require('onnxruntime-node');
const readline = require('readline');

const [folder, threads, dtype] = process.argv.slice(2);

function ids(batch, length) {
  const made = new BigInt64Array(batch * length);
  for (let i = 0; i < made.length; ++i) made[i] = BigInt((i * 7919 + 101) % 30000);
  return new ort.Tensor('int64', made, [batch, length]);
}

async function answer(session, line) {
  const [batch, length, times] = line.split(' ').map(Number);
  const positions = BigInt64Array.from({ length }, (_, i) => BigInt(i));
  const feeds = { ids: ids(batch, length), positions: new ort.Tensor('int64', positions, [length]) };
  const ms = [];
  let hidden;
  for (let i = 0; i < times; ++i) {
    const start = process.hrtime.bigint();
    hidden = (await session.run(feeds)).hidden.data;
    ms.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  const step = Math.floor(hidden.length / 256);
  const sample = Array.from({ length: 256 }, (_, i) => hidden[i * step]);
  console.log(JSON.stringify({ ms, sample }));
}

async function main() {
  const file = dtype === 'int8' ? 'model.int8.onnx' : 'model.onnx';
  const session = await ort.InferenceSession.create(`${folder}/${file}`, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, graphOptimizationLevel: 'all',
    executionMode: 'sequential',
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await answer(session, line);
  }
}

main();
