// A WebSocket service made with the ws library: MODULES in the words. It echoes; "close 4001 why"
// makes it close so, "ping" makes it ping and tell of the pong, "seen" tells how it was closed last.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';

const require = createRequire(`${process.argv[2]}/node_modules/`);
const { WebSocketServer } = require('ws');

let lastClose = null;
const server = createServer((request, response) => response.end(JSON.stringify(lastClose)));
const sockets = new WebSocketServer({
  server, maxPayload: 8 << 20, perMessageDeflate: true,
  handleProtocols: offered => offered.has('chat.v2') ? 'chat.v2' : false });
sockets.on('connection', socket => {
  socket.on('close', (code, why) => { lastClose = { code, why: why.toString() }; });
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? '' : data.toString();
    if (text.startsWith('close ')) {
      const [, code, why] = text.split(' ');
      socket.close(Number(code), why);
    } else if (text === 'ping') {
      socket.once('pong', body => socket.send(`pong ${body}`));
      socket.ping('are you there');
    } else {
      socket.send(data, { binary: isBinary });
    }
  });
});
server.listen(Number(process.env.PORT), '0.0.0.0');
