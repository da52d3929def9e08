// node ws_client.mjs MODULES URL HOST CA: says three messages, prints the answers as JSON.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const [modules, url, host, ca] = process.argv.slice(2);
const { WebSocket } = createRequire(modules + '/')('ws');

const said = ['hello', 'again', 'bye'];
const heard = [];
const socket = new WebSocket(url, { ca: readFileSync(ca), servername: host, headers: { host } });
socket.on('open', () => socket.send(said[0]));
socket.on('message', (text) => {
  heard.push(text.toString());
  if (heard.length < said.length) socket.send(said[heard.length]);
  else socket.close();
});
socket.on('error', (error) => { console.error(error); process.exit(1); });
socket.on('close', (code) => console.log(JSON.stringify({ heard, code })));
