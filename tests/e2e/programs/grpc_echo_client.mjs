// Calls grpc_echo.mjs in every kind of call: MODULES ADDRESS AUTHORITY in the words; prints what came
// back as one JSON object.
import { createRequire } from 'node:module';

const [modules, address, authority] = process.argv.slice(2);
const require = createRequire(`${modules}/node_modules/`);
const grpc = require('@grpc/grpc-js');

const client = new grpc.Client(address, grpc.credentials.createInsecure(),
                               { 'grpc.default_authority': authority });
const to = value => Buffer.from(value);
const from = bytes => bytes.toString();
const path = name => `/echo.Echo/${name}`;
const soon = () => ({ deadline: Date.now() + 120000 });
const unary = (name, message, metadata = new grpc.Metadata(), options = soon()) =>
  new Promise(done => {
    let trailers;
    const call = client.makeUnaryRequest(path(name), to, from, message, metadata, options,
      (error, answer) => setImmediate(() => done(
        error ? { code: error.code, details: error.details }
              : { answer, seen: trailers.get('x-seen')[0] })));
    call.on('status', status => { trailers = status.metadata; });
  });

const metadata = new grpc.Metadata();
metadata.set('x-sent', 'yes');
const out = { unary: await unary('Unary', 'hi', metadata) };
out.large = (await unary('Unary', 'x'.repeat(3000000))).answer.length;
out.fail = await unary('Fail', 'thing');
out.missing = (await unary('Missing', 'x')).code;
out.gather = await new Promise(done => {
  const call = client.makeClientStreamRequest(path('Gather'), to, from, new grpc.Metadata(),
                                              soon(), (error, answer) => done(answer));
  for (const word of ['a', 'b', 'c']) call.write(word);
  call.end();
});
out.scatter = await new Promise(done => {
  const all = [];
  const call = client.makeServerStreamRequest(path('Scatter'), to, from, 'one two three',
                                              new grpc.Metadata(), soon());
  call.on('data', message => all.push(message));
  call.on('end', () => done(all));
});
// Each answer is awaited before the next message is sent: both directions are open at once.
out.talk = await new Promise(done => {
  const words = ['first', 'second', 'third'];
  const all = [];
  const call = client.makeBidiStreamRequest(path('Talk'), to, from, new grpc.Metadata(), soon());
  call.on('data', message => {
    all.push(message);
    if (words.length > 0) call.write(words.shift());
    else call.end();
  });
  call.on('end', () => done(all));
  call.write(words.shift());
});
out.cancelled = await new Promise(done => {
  const call = client.makeBidiStreamRequest(path('Talk'), to, from, new grpc.Metadata(), soon());
  call.on('error', error => done(error.code));
  call.on('data', () => call.cancel());
  call.write('x');
});
// The instance is told of the deadline, and that the call is over.
out.late = (await unary('Late', 'x', new grpc.Metadata(), { deadline: Date.now() + 500 })).code;
do {
  out.lates = (await unary('Lates', 'x')).answer;
} while (out.lates === '[]');
out.together = (await Promise.all(
  Array.from({ length: 50 }, (_, i) => unary('Unary', `${i}`)))).map(one => one.answer);
client.close();
console.log(JSON.stringify(out));
