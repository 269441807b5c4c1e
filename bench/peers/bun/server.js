// The broadcast peer on Bun: its native publish and subscribe, which is uWebSockets' topic tree. JavaScript runs once
// per message, not once per member.
import { announce, readOptions } from '../options.js';

const options = readOptions();
const server = Bun.serve({
  hostname: options.host,
  port: options.port,
  tls: options.tlsCert ? { cert: Bun.file(options.tlsCert), key: Bun.file(options.tlsKey) } : undefined,
  fetch(request, server) {
    const url = new URL(request.url);
    const room = url.pathname === '/echo' ? null : url.searchParams.get('room') || 'lobby';
    if (server.upgrade(request, { data: { room } })) return undefined;
    return new Response('a WebSocket upgrade is wanted here\n', { status: 426 });
  },
  websocket: {
    perMessageDeflate: options.compress,
    // No peer pings and none drops an idle client.
    idleTimeout: 0,
    sendPings: false,
    // The default drops single messages of a slow consumer in silence.
    closeOnBackpressureLimit: true,
    open(socket) {
      if (socket.data.room !== null) socket.subscribe(socket.data.room);
    },
    message(socket, message) {
      if (socket.data.room === null) socket.send(message, options.compress);
      else server.publish(socket.data.room, message, options.compress);
    },
  },
});
announce(server.hostname, server.port);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
