// Google's gRPC client for Node.js asks a model server: MODULES PROTO ADDRESS MODEL in the words, a
// JSON list of [method, request] on standard input; a JSON list of answers or errors comes out.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [modules, proto, address] = process.argv.slice(2);
const require = createRequire(`${modules}/node_modules/`);
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const definition = loader.loadSync(proto, { keepCase: true, longs: Number, bytes: Buffer });
const { inference } = grpc.loadPackageDefinition(definition);
const options = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };
const client = new inference.GRPCInferenceService(address, grpc.credentials.createInsecure(),
                                                  options);
const buffers = (key, value) =>
  value !== null && typeof value === 'object' && 'base64' in value
    ? Buffer.from(value.base64, 'base64') : value;
// A Buffer turns itself into JSON before a replacer sees it.
const texts = (key, value) =>
  value !== null && typeof value === 'object' && value.type === 'Buffer'
    ? { base64: Buffer.from(value.data).toString('base64') } : value;
const ask = ([method, request]) => new Promise(done => {
  client[method](request, { deadline: Date.now() + 120000 }, (error, answer) => {
    done(error ? { code: error.code, details: error.details,
                   retryAfter: error.metadata.get('retry-after')[0] } : answer);
  });
});
const calls = JSON.parse(readFileSync(0, 'utf8'), buffers);
const answers = await Promise.all(calls.map(ask));
process.stdout.write(JSON.stringify(answers, texts));
client.close();
