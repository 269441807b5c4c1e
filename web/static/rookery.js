// The JavaScript client of a Rookery gateway, for browsers and Node; no dependencies.
//
//   import { Rookery } from './rookery.js';
//   const rookery = new Rookery('/ws');
//   rookery.on('state', (state) => console.log(state.text));
//   const room = rookery.join('lobby', { nickname: 'ann', history: 50 });
//   room.on('message', (m) => console.log(m.nickname, m.message));
//   await room.say('hello');
//
// It keeps the conversation over lost connections: it comes back with full-jitter exponential
// backoff, or when the server said to; joins each room again after the last message it has; and
// repeats unacknowledged says under their first key, so that each is said once.
import { Emitter, RookeryError } from './events.js';
import { Room } from './room.js';

export { Room, RookeryError };

const PROTOCOL = 'rookery.v1';

// Close codes after which another attempt would meet the same answer.
const FINAL = new Map([
  [4001, 'not authorised'],
  [4002, 'the token expired'],
  [4003, 'removed by an operator'],
]);

const WORDS = new Map([
  [1001, 'the server went away'],
  [1005, 'the server closed the connection'],
  [1006, 'the connection was lost'],
  [1009, 'a message was too large'],
  [1011, 'the server had an internal error'],
  [1012, 'the server is restarting'],
  [1013, 'the server is busy'],
  [4008, 'too many messages'],
]);

// Codes of a message that the server could not read, so that the error may not name the request.
const UNREAD = new Set(['bad_json', 'bad_utf8', 'lone_surrogate', 'not_object', 'too_deep', 'number_too_long', 'number_range', 'bad_id']);

// A request that stays unanswered this long on a living connection has failed.
const ANSWER_MS = 30_000;

// No wait asked for by a server is honoured beyond five minutes.
const MAX_TOLD_MS = 300_000;

const systemClock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
};

// Rookery is one connection to a gateway, renewed as often as need be.
//
// Events: state {name, text, why}, welcome, error (a RookeryError that answers no request).
// state.name is idle, connecting, connected, waiting or closed; state.text says it in words.
export class Rookery extends Emitter {
  #url;
  #options;
  #clock;
  #socket = null;
  #welcomed = false;
  #welcomedAt = 0;
  #heardAt = 0;
  #leaving = false; // the server said bye
  #rooms = new Map();
  #requests = new Map(); // id -> {done, fail}
  #nextId = 1;
  #unread = []; // errors that named no request, each the answer to one of the suspects
  #suspects = new Set();
  #attempt = 0;
  #told = 0; // milliseconds the server asked us to stay away
  #why = '';
  #timer = null; // the one thing waited for: welcome, silence, or the next attempt
  #state = { name: 'idle', text: 'not connected', why: '' };

  // url may be relative to the page. Options: WebSocket (a constructor, default the global one),
  // baseDelay and maxDelay of the backoff, openTimeout (milliseconds until welcome), random, clock.
  constructor(url, options = {}) {
    super();
    this.#options = {
      WebSocket: globalThis.WebSocket, random: Math.random, baseDelay: 500, maxDelay: 30_000, openTimeout: 15_000, ...options,
    };
    this.#clock = options.clock ?? systemClock;
    if (!this.#options.WebSocket) throw new RookeryError('no_websocket', 'there is no WebSocket here');
    try {
      this.#url = new URL(url, globalThis.location?.href).href.replace(/^http/, 'ws');
    } catch {
      throw new RookeryError('bad_address', `not an address: ${url}`);
    }
  }

  get state() {
    return this.#state;
  }

  // join returns the room at once and connects if need be; the room's `joined` event tells when it
  // is in. `history` asks for that many past messages, `after` (a room's position) resumes.
  join(name, { nickname, history = 0, after = null } = {}) {
    if (this.#rooms.has(name)) throw new RookeryError('already_joined', `already in ${name}`);
    const room = new Room(name, { nickname, history, after }, {
      clock: this.#clock,
      request: (op, done, fail) => this.#request(op, done, fail),
      rejoin: (asking) => this.#welcomed && asking.opened(),
      changed: () => this.#announce(),
      forget: () => this.#rooms.delete(name) && this.#announce(),
    });
    this.#rooms.set(name, room);
    if (this.#welcomed) room.opened();
    else this.connect();
    this.#announce();
    return room;
  }

  // connect opens the connection if there is none, without waiting for the next attempt's time.
  connect() {
    if (this.#socket) return;
    this.#clock.clearTimeout(this.#timer);
    let socket;
    try {
      socket = new this.#options.WebSocket(this.#url, PROTOCOL);
    } catch (error) {
      this.#finish(`no connection can be made (${error.message})`);
      return;
    }
    this.#socket = socket;
    this.#leaving = false;
    this.#why = '';
    socket.onopen = () => this.#onOpen(socket);
    socket.onmessage = (event) => socket === this.#socket && this.#onMessage(event.data);
    socket.onclose = (event) => socket === this.#socket && this.#onLost(event.code, event.reason);
    socket.onerror = () => {}; // onclose follows and says more
    this.#timer = this.#clock.setTimeout(() => this.#abandon('no answer from the server'), this.#options.openTimeout);
    this.#setState('connecting');
  }

  // ping resolves to the round trip in milliseconds.
  ping() {
    const start = this.#clock.now();
    return new Promise((resolve, reject) => {
      const sent = this.#request({ op: 'ping' }, () => resolve(this.#clock.now() - start), reject);
      if (!sent) reject(new RookeryError('disconnected', 'not connected'));
    });
  }

  // close ends the connection and every room for good.
  close(why = 'closed') {
    const socket = this.#socket;
    this.#finish(why);
    socket?.close(1000);
  }

  #onOpen(socket) {
    // A server that ignores the subprotocol would put us in its default room in the plain dialect.
    if (socket !== this.#socket || socket.protocol === PROTOCOL) return;
    this.#finish(`the server does not speak ${PROTOCOL}`);
    socket.close(1000);
  }

  #onMessage(data) {
    this.#heardAt = this.#clock.now();
    let object;
    try {
      object = JSON.parse(data);
    } catch {
      object = null;
    }
    if (object === null || typeof object !== 'object') {
      this.emit('error', new RookeryError('bad_json', 'the server sent something that is not an object'));
      return;
    }
    switch (object.ev) {
      case 'welcome':
        this.#onWelcome(object);
        return;
      case 'joined':
      case 'left':
      case 'ack':
      case 'who':
      case 'history':
      case 'pong':
        this.#answer(object.id)?.done(object);
        return;
      case 'error':
        this.#onError(object);
        return;
      case 'bye':
        this.#leaving = true;
        this.#told = told(object.retry_after_ms);
        this.#why = object.reason === 'draining' ? 'the server is restarting' : String(object.reason ?? '');
        return;
      default:
        this.#rooms.get(object.room)?.receive(object);
    }
  }

  #onWelcome(welcome) {
    this.#welcomed = true;
    this.#welcomedAt = this.#clock.now();
    this.#clock.clearTimeout(this.#timer);
    if (welcome.ping_seconds > 0) this.#watch(2000 * welcome.ping_seconds);
    this.emit('welcome', welcome);
    for (const room of [...this.#rooms.values()]) room.opened();
    this.#announce();
  }

  // #watch gives the connection up once nothing at all was heard for limit milliseconds. A socket
  // whose peer has vanished may stay open for many minutes otherwise.
  #watch(limit) {
    const left = this.#heardAt + limit - this.#clock.now();
    if (left <= 0) this.#abandon(`nothing was heard for ${Math.round(limit / 1000)} s`);
    else this.#timer = this.#clock.setTimeout(() => this.#watch(limit), left);
  }

  #onError({ id, code, reason, retry_after_ms: wait }) {
    const error = new RookeryError(String(code), String(reason ?? code), told(wait));
    const request = this.#answer(id);
    if (request) {
      request.fail(error);
      return;
    }
    if (id === undefined && UNREAD.has(error.code) && this.#requests.size > this.#unread.length) {
      this.#unread.push(error);
      this.#suspects = new Set(this.#requests.keys());
      this.#convict();
      return;
    }
    this.#told = error.retryAfter;
    this.emit('error', error);
  }

  // #convict hands the errors that named no request to those requests that alone are left without an
  // answer, of all that were under way.
  #convict() {
    if (this.#unread.length === 0 || this.#suspects.size > this.#unread.length) return;
    const errors = this.#unread;
    const ids = [...this.#suspects];
    this.#unread = [];
    this.#suspects.clear();
    ids.forEach((id, i) => this.#answer(id).fail(errors[i]));
  }

  // #abandon does not wait for a closing handshake that a dead peer would never answer.
  #abandon(why) {
    const socket = this.#socket;
    this.#why = why;
    this.#onLost(1006, '');
    socket?.close();
  }

  #onLost(code, reason) {
    if (code === 1009) this.#giveUpLongest();
    this.#drop();
    const why = FINAL.get(code);
    if (why) {
      this.#finish(reason ? `${why} (${reason})` : why);
      return;
    }
    // A connection that stood for a while ends the row of failures; one that is dropped as soon as
    // it stands does not, or it would be tried again at full speed.
    if (this.#welcomedAt > 0 && this.#clock.now() - this.#welcomedAt > this.#options.maxDelay) this.#attempt = 0;
    this.#welcomedAt = 0;
    this.#setState('waiting', this.#why || WORDS.get(code) || reason || `close code ${code}`, this.#delay());
  }

  #giveUpLongest() {
    const rooms = [...this.#rooms.values()].filter((room) => room.longest());
    const [room] = rooms.sort((a, b) => b.longest().length - a.longest().length);
    room?.giveUp(room.longest(), new RookeryError('too_large', 'the message is too large'));
  }

  // #delay is exactly what a bye asked for, which the server has spread over its clients already;
  // else full jitter, on top of what an error asked for.
  #delay() {
    const ceiling = Math.min(this.#options.maxDelay, this.#options.baseDelay * 2 ** Math.min(this.#attempt++, 30));
    const wait = this.#leaving ? this.#told || this.#options.random() * ceiling : this.#told + this.#options.random() * ceiling;
    this.#told = 0;
    return wait;
  }

  // #drop forgets the socket and everything that was waiting for an answer on it.
  #drop() {
    this.#socket = null;
    this.#welcomed = false;
    this.#clock.clearTimeout(this.#timer);
    this.#unread = [];
    this.#suspects.clear();
    for (const room of this.#rooms.values()) room.lost();
    const unanswered = [...this.#requests.keys()].map((id) => this.#answer(id));
    for (const { op, fail } of unanswered) {
      // Rooms join again and say again by themselves.
      if (op !== 'join' && op !== 'say') fail(new RookeryError('disconnected', 'the connection was lost'));
    }
  }

  #finish(why) {
    this.#drop();
    this.#setState('closed', why);
    for (const room of [...this.#rooms.values()]) room.end(new RookeryError('closed', why));
  }

  // #request reports whether the operation went out; done or fail is called with its answer.
  #request(op, done, fail) {
    if (!this.#welcomed || this.#leaving) return false;
    const id = this.#nextId++;
    const timer = this.#clock.setTimeout(() => {
      this.#answer(id).fail(new RookeryError('no_answer', 'the server did not answer'));
    }, ANSWER_MS);
    this.#requests.set(id, { op: op.op, done, fail, timer });
    this.#socket.send(JSON.stringify({ id, ...op }));
    return true;
  }

  #answer(id) {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    this.#clock.clearTimeout(request?.timer);
    if (this.#suspects.delete(id)) queueMicrotask(() => this.#convict());
    return request;
  }

  // #announce says connected once every room is in.
  #announce() {
    if (!this.#welcomed) return;
    const rooms = [...this.#rooms.values()];
    this.#setState(rooms.every((room) => room.joined) ? 'connected' : 'connecting');
  }

  // #setState tells listeners; while waiting it does so each second, and connects at the end.
  #setState(name, why = '', wait = 0) {
    const rooms = [...this.#rooms.keys()].join(', ');
    const seconds = Math.ceil(wait / 1000);
    const text = {
      connecting: 'connecting',
      connected: rooms ? `connected to ${rooms}` : 'connected',
      waiting: `disconnected: ${why}; reconnecting in ${seconds} s`,
      closed: `disconnected: ${why}`,
    }[name];
    if (name === 'waiting') {
      const step = Math.min(wait, 1000);
      this.#timer = this.#clock.setTimeout(() => (wait > step ? this.#setState(name, why, wait - step) : this.connect()), step);
    }
    if (text === this.#state.text) return;
    this.#state = { name, text, why };
    this.emit('state', this.#state);
  }
}

function told(ms) {
  return ms > 0 ? Math.min(ms, MAX_TOLD_MS) : 0;
}
