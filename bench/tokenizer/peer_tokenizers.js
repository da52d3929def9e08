// The Rust library `tokenizers` as the peer of tokenizer_bench: the same lines in and out.
//   node peer_tokenizers.js FOLDER TEXT_FILE     (NODE_PATH holds tokenizers)
const fs = require('fs');
const readline = require('readline');
const { Tokenizer } = require('tokenizers');

const [folder, file] = process.argv.slice(2);

async function main() {
  const tokenizer = Tokenizer.fromFile(`${folder}/tokenizer.json`);
  const text = fs.readFileSync(file, 'utf8');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const ms = [];
    let encoding;
    for (let i = 0; i < Number(line); ++i) {
      const start = process.hrtime.bigint();
      encoding = await tokenizer.encode(text, null, { addSpecialTokens: false });
      ms.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    console.log(JSON.stringify({ ms, ids: encoding.getIds() }));
  }
}

main();
