// The broadcast peer on Node's ws: its README's broadcast loop, over the members of a room.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

import WebSocket, { WebSocketServer } from 'ws';

import { announce, readOptions } from '../options.js';

const options = readOptions();
const server = options.tlsCert
  ? https.createServer({ cert: readFileSync(options.tlsCert), key: readFileSync(options.tlsKey) })
  : http.createServer();
const wss = new WebSocketServer({
  server,
  // Without it every connection is kept in wss.clients as well as in its room.
  clientTracking: false,
  // Context takeover would give every member a deflate window of its own; the contract compresses every message.
  perMessageDeflate: options.compress
    ? { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true }
    : false,
});

const rooms = new Map(); // name -> Set of members

wss.on('connection', (socket, request) => {
  const url = new URL(request.url, 'ws://peer');
  socket.on('error', () => socket.terminate());
  if (url.pathname === '/echo') {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    return;
  }
  const name = url.searchParams.get('room') || 'lobby';
  const room = join(name, socket);
  socket.on('close', () => leave(name, room, socket));
  // data is one Buffer for all members: ws puts a header in front of it and hands both to the socket, no copy.
  socket.on('message', (data, isBinary) => {
    for (const member of room) {
      if (member.readyState === WebSocket.OPEN) member.send(data, { binary: isBinary });
    }
  });
});

function join(name, socket) {
  let room = rooms.get(name);
  if (room === undefined) {
    room = new Set();
    rooms.set(name, room);
  }
  room.add(socket);
  return room;
}

function leave(name, room, socket) {
  room.delete(socket);
  if (room.size === 0) rooms.delete(name);
}

server.on('error', (err) => {
  console.error(err.message);
  process.exit(1);
});
server.listen({ host: options.host, port: options.port, backlog: 4096 }, () => {
  const { address, port } = server.address();
  announce(address, port);
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
