// Clients of Node's ws on strings: node deflate.mjs
// Each line on stdin is an order, [client, verb, ...]; each on stdout what befell a client, [client, event, text].
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const WebSocket = createRequire(new URL('../../../../web/test/', import.meta.url))('ws');
const sockets = new Map();
const tell = (id, event, text) => process.stdout.write(JSON.stringify([id, event, text]) + '\n');

const orders = {
  open(id, url, options) {
    const socket = new WebSocket(url, { ...options, servername: 'localhost' });
    sockets.set(id, socket);
    let agreed = '';
    socket.on('upgrade', (response) => { agreed = response.headers['sec-websocket-extensions'] ?? ''; });
    socket.on('open', () => tell(id, socket.extensions === agreed.split(';')[0] ? 'open' : 'error', agreed));
    socket.on('message', (data, isBinary) => tell(id, isBinary ? 'error' : 'message', data.toString()));
    socket.on('pong', (data) => tell(id, 'pong', data.toString()));
    socket.on('error', (error) => tell(id, 'error', error.message));
    socket.on('close', (code) => {
      sockets.delete(id);
      tell(id, 'close', String(code));
    });
  },
  say(id, text) { sockets.get(id).send(text); },
  // Parts are as thirds has them: within a character, if need be.
  fragments(id, text, count) {
    const socket = sockets.get(id);
    const bytes = Buffer.from(text);
    const size = Math.floor(bytes.length / count);
    for (let i = 0; i < count; i++) {
      const last = i === count - 1;
      if (i > 0) socket.ping('between');
      socket.send(bytes.subarray(i * size, last ? undefined : (i + 1) * size), { binary: false, fin: last });
    }
  },
  ping(id, text) { sockets.get(id).ping(text); },
  close(id) { sockets.get(id).close(1000); },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [id, verb, ...rest] = JSON.parse(line);
  orders[verb](id, ...rest);
}
process.exit(0);
