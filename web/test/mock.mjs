// A small gateway for tests and for work on the page: rookery.v1 over one in-memory log per room,
// the static files, and some numbers under /metrics. Run it: node mock.mjs [--port N] [--crowd]
// It then takes one command a line from its input: see COMMANDS.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

const STATIC = new URL('../static/', import.meta.url);
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };

export class Mock {
  rooms = new Map(); // name -> {epoch, log, members, keys}
  conns = new Set();
  joins = []; // every join received, for tests
  deaf = false; // when set, says are taken and not acknowledged

  constructor({ pingSeconds = 25, retain = 500 } = {}) {
    this.pingSeconds = pingSeconds;
    this.retain = retain;
    this.http = createServer((request, response) => this.#serve(request, response));
    this.wss = new WebSocketServer({ server: this.http, handleProtocols: (offered) => offered.has('rookery.v1') && 'rookery.v1' });
    this.wss.on('connection', (socket) => this.#open(socket));
  }

  listen(port = 0) {
    return new Promise((resolve) => this.http.listen(port, '127.0.0.1', () => resolve(`127.0.0.1:${this.http.address().port}`)));
  }

  close() {
    this.cut();
    return new Promise((resolve) => this.wss.close(() => this.http.close(resolve)));
  }

  // cut ends every connection without a closing handshake.
  cut() {
    for (const conn of this.conns) conn.socket.terminate();
  }

  bye(ms) {
    for (const conn of this.conns) {
      this.#send(conn, { ev: 'bye', reason: 'draining', retry_after_ms: ms });
      conn.socket.close(1012);
    }
  }

  room(name) {
    if (!this.rooms.has(name)) this.rooms.set(name, { name, epoch: `E${this.rooms.size + 1}`, head: 0, log: [], members: new Map(), keys: new Map() });
    return this.rooms.get(name);
  }

  publish(room, nickname, message, time = new Date().toISOString()) {
    const entry = { status: 1, room: room.name, offset: ++room.head, nickname, time, message };
    room.log.push(entry);
    if (room.log.length > this.retain) room.log.shift();
    this.#toAll(room, entry);
    return entry.offset;
  }

  redact(room, offset) {
    room.log = room.log.filter((entry) => entry.offset !== offset);
    this.#toAll(room, { ev: 'redacted', room: room.name, offset });
  }

  purge(room) {
    room.log = [];
    this.#toAll(room, { ev: 'purged', room: room.name, to: room.head });
  }

  presence(room, joined, left, more = 0, online = room.members.size) {
    this.#toAll(room, { ev: 'presence', room: room.name, online, joined, left, more });
  }

  #toAll(room, object) {
    for (const conn of room.members.keys()) this.#send(conn, object);
  }

  #send(conn, object) {
    conn.socket.send(JSON.stringify(object));
  }

  #open(socket) {
    const conn = { socket, rooms: new Set() };
    this.conns.add(conn);
    socket.on('message', (data) => this.#take(conn, JSON.parse(data)));
    socket.on('close', () => {
      this.conns.delete(conn);
      for (const name of conn.rooms) this.#leave(conn, name);
    });
    this.#send(conn, { ev: 'welcome', conn: 'c1', node: 'mock', version: '0', ping_seconds: this.pingSeconds });
  }

  #leave(conn, name) {
    const room = this.room(name);
    const nickname = room.members.get(conn);
    room.members.delete(conn);
    conn.rooms.delete(name);
    this.presence(room, [], [nickname]);
  }

  #take(conn, op) {
    const fail = (code, reason, more = {}) => this.#send(conn, { ev: 'error', id: op.id, code, reason, ...more });
    const room = op.room === undefined ? null : this.room(op.room);
    switch (op.op) {
      case 'join':
        return this.#join(conn, room, op, fail);
      case 'leave':
        return this.#leave(conn, op.room);
      case 'say':
        if (op.message === '/refuse') return fail('not_allowed', 'that may not be said here');
        return this.#say(conn, room, op);
      case 'who':
        return this.#send(conn, { ev: 'who', id: op.id, room: op.room, online: room.members.size, members: [...room.members.values()].slice(0, 200), more: Math.max(0, room.members.size - 200) });
      case 'history': {
        const messages = room.log.filter((entry) => entry.offset < op.before).slice(-op.limit);
        return this.#send(conn, { ev: 'history', id: op.id, room: op.room, messages });
      }
      case 'ping':
        return this.#send(conn, { ev: 'pong', id: op.id });
      default:
        return fail('bad_op', `no such op: ${op.op}`);
    }
  }

  #join(conn, room, op, fail) {
    this.joins.push(op);
    if (!op.nickname || op.nickname.length > 64) return fail('bad_nickname', 'a nickname has 1 to 64 characters');
    room.members.set(conn, op.nickname);
    conn.rooms.add(room.name);
    const from = op.after?.epoch === room.epoch ? op.after.offset : null;
    const oldest = room.log[0]?.offset ?? room.head + 1;
    const recovered = from !== null && from + 1 >= oldest;
    this.#send(conn, { ev: 'joined', id: op.id, room: room.name, epoch: room.epoch, offset: room.head, online: room.members.size, recovered });
    if (from !== null && !recovered) this.#send(conn, { ev: 'gap', room: room.name, from: from + 1, to: oldest - 1 });
    const past = from === null ? (op.history ? room.log.slice(-op.history) : []) : room.log.filter((entry) => entry.offset > from);
    for (const entry of past) this.#send(conn, entry);
    this.presence(room, [op.nickname], []);
  }

  #say(conn, room, op) {
    const known = room.keys.get(op.key);
    const offset = known ?? this.publish(room, room.members.get(conn), op.message);
    room.keys.set(op.key, offset);
    if (!this.deaf) this.#send(conn, { ev: 'ack', id: op.id, room: op.room, offset, repeat: known !== undefined });
  }

  async #serve(request, response) {
    const path = request.url.split('?')[0];
    if (path === '/metrics') {
      response.end(this.#metrics());
      return;
    }
    const name = { '/': 'index.html', '/dashboard': 'dashboard.html' }[path] ?? path.slice(1);
    try {
      const body = await readFile(fileURLToPath(new URL(name, STATIC)));
      response.setHeader('Content-Type', TYPES[extname(name)] ?? 'application/octet-stream');
      response.setHeader('Content-Security-Policy', "default-src 'self'; connect-src 'self' ws: wss:");
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }

  #metrics() {
    const said = [...this.rooms.values()].reduce((sum, room) => sum + room.head, 0);
    return [
      '# HELP rookery_connections Open connections.', '# TYPE rookery_connections gauge', `rookery_connections ${this.conns.size}`,
      `rookery_rooms ${this.rooms.size}`, `rookery_publications_total ${said}`, `rookery_deliveries_total ${said * 7}`,
      'rookery_closed_total{cause="client"} 3', 'rookery_closed_total{cause="slow"} 1',
      `process_resident_memory_bytes ${2.1e7 + 4e6 * Math.random()}`, `go_goroutines ${14 + Math.floor(3 * Math.random())}`, '',
    ].join('\n');
  }
}

// crowd fills a room with talk, so that the page has something to show.
function crowd(mock) {
  const room = mock.room('lobby');
  const say = (minutes, nickname, message) => mock.publish(room, nickname, message, new Date(Date.now() - minutes * 60_000).toISOString());
  for (let i = 0; i < 120; i++) say(300 - i, ['ann', 'bob', 'eve'][i % 3], `earlier line ${i + 1}`);
  say(42, 'ann', 'Morning! Is the train on time today?');
  say(41, 'bob', 'Nine minutes late so far.');
  say(41, 'bob', 'There is a seat by the window, I will keep it for you.');
  say(38, 'Жанна', 'Доброе утро! 🌤');
  say(20, 'eve', 'A longer remark, to see how lines wrap on a narrow screen: the quick brown fox jumps over the lazy dog, twice, and then has a rest under the hedge.');
  say(12, 'mallory', '<img src=x onerror=alert(1)> <b>not bold</b>');
  say(11, 'bot', { temperature: 21.5, unit: 'C' });
  say(3, 'ann', 'averyveryverylongwordwithoutanyplacetobreakitaveryveryverylongwordwithoutanyplacetobreakit');
  for (const nickname of ['ann', 'bob', 'eve', 'Жанна', 'mallory', 'bot']) room.members.set({ socket: { send() {} } }, nickname);
}

const COMMANDS = {
  cut: (mock) => mock.cut(),
  bye: (mock, ms) => mock.bye(Number(ms)),
  deaf: (mock, on) => { mock.deaf = on === 'on'; },
  say: (mock, room, nickname, json) => mock.publish(mock.room(room), nickname, JSON.parse(json)),
  redact: (mock, room, offset) => mock.redact(mock.room(room), Number(offset)),
  purge: (mock, room) => mock.purge(mock.room(room)),
  presence: (mock, room, joined, left, more, online) => mock.presence(mock.room(room), JSON.parse(joined), JSON.parse(left), Number(more), Number(online)),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf('--port');
  const mock = new Mock();
  if (process.argv.includes('--crowd')) crowd(mock);
  console.log(`http://${await mock.listen(at > 0 ? Number(process.argv[at + 1]) : 0)}/`);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [command, ...args] = line.split(' ');
    COMMANDS[command](mock, ...args);
    console.log('done');
  }).on('close', () => process.exit(0));
}
