// Against a naive server and a line that breaks anywhere, in both directions: every say is said once, in the order
// said, and every message is delivered once, in order.
import test from 'node:test';
import assert from 'node:assert/strict';
import { FakeSocket, setUp } from './fakes.mjs';

// Server keeps one room. What it was sent and what it sends wait on the line until the test moves them.
class Server {
  log = [];
  keys = new Map();
  up = [];
  down = [];
  taken = 0; // how much of the socket's output is on the line
  member = false;

  connect(socket) {
    this.socket = socket;
    this.up = [];
    this.down = [];
    this.taken = 0;
    this.member = false;
    socket.open();
  }

  // step moves one thing one way and reports whether there was any.
  step(upwards) {
    this.up.push(...this.socket.sent.slice(this.taken));
    this.taken = this.socket.sent.length;
    const object = (upwards ? this.up : this.down).shift();
    if (object === undefined) return false;
    if (upwards) this.take(object);
    else this.socket.receive(object);
    return true;
  }

  take(op) {
    if (op.op === 'join') {
      this.member = true;
      this.down.push({ ev: 'joined', id: op.id, room: 'lobby', epoch: 'E', offset: this.log.length, online: 1, recovered: true });
      this.down.push(...this.log.slice(op.after?.offset ?? 0));
      return;
    }
    const known = this.keys.get(op.key);
    if (known === undefined) this.publish(op.message);
    this.keys.set(op.key, known ?? this.log.length);
    this.down.push({ ev: 'ack', id: op.id, room: 'lobby', offset: this.keys.get(op.key), repeat: known !== undefined });
  }

  publish(message) {
    const object = { status: 1, room: 'lobby', offset: this.log.length + 1, nickname: 'ann', message };
    this.log.push(object);
    if (this.member) this.down.push(object);
  }
}

// prng is mulberry32: the same numbers for the same seed.
function prng(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('each say once and each message once, wherever the line breaks', async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = prng(seed);
    const { clock, room, rookery, of } = setUp({ enter: false, options: { random }, join: { history: 1000 } });
    const server = new Server();
    server.connect(FakeSocket.last);
    const acks = [];
    const said = [];
    const breakLine = () => {
      server.socket.drop();
      clock.advance(3000 * random()); // so that a run stays within the life of a key
      rookery.connect();
      server.connect(FakeSocket.last);
    };
    for (let i = 0; i < 120; i++) {
      const what = random();
      if (what < 0.2) {
        said.push(`s${said.length}`);
        room.say(said.at(-1)).then((ack) => acks.push(ack));
      } else if (what < 0.3) server.publish('from elsewhere');
      else if (what < 0.32) breakLine();
      else server.step(what < 0.66);
    }
    while (server.step(true) || server.step(false));
    await null;
    const failed = `seed ${seed}`;
    assert.deepEqual(server.log.map((m) => m.message).filter((m) => m !== 'from elsewhere'), said, failed);
    assert.equal(acks.length, said.length, failed);
    assert.deepEqual(of('message').map((m) => m.offset), server.log.map((m) => m.offset), failed);
  }
});
