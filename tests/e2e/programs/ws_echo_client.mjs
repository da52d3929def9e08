// Talks to ws_echo.mjs with the ws library: MODULES URL HOST in the words; prints what it saw.
import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

const [modules, url, host] = process.argv.slice(2);
const require = createRequire(`${modules}/node_modules/`);
const WebSocket = require('ws');

const open = options => new Promise((done, fail) => {
  const socket = new WebSocket(url, options.protocols ?? [], {
    headers: { Host: host }, maxPayload: 8 << 20, perMessageDeflate: options.deflate ?? false });
  socket.on('open', () => done(socket));
  socket.on('error', fail);
});
const message = socket => new Promise(done => {
  socket.once('message', (data, isBinary) => done({ data, isBinary }));
});
const closed = socket => new Promise(done => {
  socket.once('close', (code, why) => done({ code, why: why.toString() }));
});
const digest = bytes => createHash('sha256').update(bytes).digest('hex');

const out = {};
const socket = await open({ protocols: ['chat.v1', 'chat.v2'] });
out.protocol = socket.protocol;
socket.send('héllo');
out.text = (await message(socket)).data.toString();
for (const size of [0, 125, 126, 65535, 65536, 1 << 20]) {
  const sent = randomBytes(size);
  socket.send(sent);
  const { data, isBinary } = await message(socket);
  if (!isBinary || digest(data) !== digest(sent)) throw new Error(`${size} bytes came back wrong`);
}
out.largest = 1 << 20;
const pong = new Promise(done => socket.once('pong', body => done(body.toString())));
socket.ping('hello');
out.pong = await pong;
socket.send('ping');
out.pinged = (await message(socket)).data.toString();
// Many at once, in order.
const many = new Promise(done => {
  const seen = [];
  socket.on('message', function take(data) {
    if (seen.push(Number(data.toString())) === 1000) {
      socket.off('message', take);
      done(seen.every((value, at) => value === at));
    }
  });
});
for (let i = 0; i < 1000; ++i) socket.send(`${i}`);
out.inOrder = await many;
const end = closed(socket);
socket.send('close 4001 enough');
out.closedByServer = await end;

const squeezed = await open({ deflate: true });
out.deflate = squeezed.extensions.split(';')[0];
squeezed.send('x'.repeat(100000));
out.deflated = (await message(squeezed)).data.length;
const done = closed(squeezed);
squeezed.close(3000, 'bye');
out.closedByClient = await done;
console.log(JSON.stringify(out));
