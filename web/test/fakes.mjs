// A clock and a WebSocket that do only what a test tells them to.
import { Rookery } from '../static/rookery.js';

export class FakeClock {
  #now = 1_000_000;
  #timers = new Map();
  #next = 1;

  now() {
    return this.#now;
  }

  setTimeout(run, ms) {
    this.#timers.set(this.#next, { run, at: this.#now + ms });
    return this.#next++;
  }

  clearTimeout(id) {
    this.#timers.delete(id);
  }

  get pending() {
    return this.#timers.size;
  }

  // advance runs what comes due within ms, in order of time, also what that sets going.
  advance(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].run();
    }
    this.#now = end;
  }
}

export class FakeSocket {
  static all = [];
  sent = [];
  protocol = '';
  closed = null;

  constructor(url, protocol) {
    this.url = url;
    this.asked = protocol;
    FakeSocket.all.push(this);
  }

  static get last() {
    return FakeSocket.all.at(-1);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closed = code ?? 1005;
  }

  // open completes the handshake and greets.
  open({ protocol = 'rookery.v1', pingSeconds = 25 } = {}) {
    this.protocol = protocol;
    this.onopen();
    this.receive({ ev: 'welcome', conn: 'c', node: 'n', version: 'v', ping_seconds: pingSeconds });
  }

  receive(object) {
    this.onmessage({ data: typeof object === 'string' ? object : JSON.stringify(object) });
  }

  drop(code = 1006, reason = '') {
    this.onclose({ code, reason });
  }

  ops(op) {
    return this.sent.filter((object) => object.op === op);
  }

  // answer replies to the newest request of that op.
  answer(op, object) {
    this.receive({ id: this.ops(op).at(-1).id, ...object });
  }

  joined(more = {}) {
    this.answer('join', { ev: 'joined', room: 'lobby', epoch: 'E', offset: 0, online: 1, recovered: false, ...more });
  }
}

export function chat(offset, message = `m${offset}`, more = {}) {
  return { status: 1, room: 'lobby', offset, nickname: 'bob', time: '2026-11-22T10:00:00.123Z', message, ...more };
}

// setUp gives a client on fakes, in the lobby unless told otherwise, and what it has told so far.
export function setUp({ options = {}, join = {}, enter = true } = {}) {
  FakeSocket.all = [];
  const clock = new FakeClock();
  const rookery = new Rookery('ws://gateway.test/ws', { WebSocket: FakeSocket, clock, random: () => 0.5, ...options });
  const states = [];
  rookery.on('state', (state) => states.push(state.text));
  const room = rookery.join('lobby', { nickname: 'ann', ...join });
  const heard = [];
  for (const type of ['joined', 'message', 'left', 'gap', 'restarted', 'redacted', 'purged', 'presence', 'other', 'closed']) {
    room.on(type, (detail) => heard.push({ type, detail }));
  }
  if (enter) {
    FakeSocket.last.open();
    FakeSocket.last.joined();
  }
  const of = (type) => heard.filter((event) => event.type === type).map((event) => event.detail);
  return { clock, rookery, room, states, heard, of, offsets: () => of('message').map((message) => message.offset) };
}

// settled tells how a promise stands, without waiting for it.
export async function settled(promise) {
  const open = Symbol('open');
  const first = await Promise.race([promise.then((value) => ({ value }), (error) => ({ error })), Promise.resolve(open)]);
  return first === open ? 'open' : first;
}
