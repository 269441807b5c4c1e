import { Emitter, RookeryError } from './events.js';

// The server holds a say's key for two minutes. A repeat must arrive within them, or it would be
// said twice; ten seconds are left for its way there.
const KEY_LIFETIME_MS = 110_000;

// Errors that pass without naming a time to wait, and what is waited then, in milliseconds.
const PASSING = new Map([
  ['draining', 2000],
  ['unavailable', 1000],
]);

// How often one say, or one join, is tried again after errors that name a time to wait.
const MAX_TRIES = 8;

// Room is one room joined over a Rookery, across as many connections as it takes.
//
// Events: joined, message, left (a status 0 object), gap {from, to}, restarted {epoch, previous},
// redacted {offset}, purged {to}, presence {online, joined, left, more}, other (an event this client does not
// know), closed (the RookeryError that ended it).
export class Room extends Emitter {
  #link;
  #history;
  #joined = false;
  #ended = false;
  #epoch = null;
  #seen = -1; // highest offset delivered or declared missing in this epoch
  #base = 0; // where a resume starts while nothing was delivered yet
  #joinTries = 0;
  #outbox = new Map(); // key -> say, in the order said
  #oneByOne = false; // after a refusal that passes: each say waits for the answer to the one before
  #hold = null; // timer of a pause the server asked for

  // link is the connection's side: clock, request(op, done, fail), changed(), forget().
  constructor(name, { nickname, history = 0, after = null }, link) {
    super();
    this.name = name;
    this.nickname = nickname;
    this.online = 0;
    this.#history = history;
    this.#link = link;
    if (after) {
      this.#epoch = after.epoch;
      this.#seen = after.offset;
    }
  }

  get joined() {
    return this.#joined;
  }

  // position is what a later join of this room takes as `after`; null before the first join.
  get position() {
    if (this.#epoch === null) return null;
    return { epoch: this.#epoch, offset: Math.max(this.#seen, this.#base) };
  }

  // say resolves to {offset, repeat} once the server has said it, exactly once, however many
  // connections that takes. It rejects with the server's error, or `unconfirmed` when the answer
  // stayed out longer than the server remembers the key.
  say(message) {
    return new Promise((resolve, reject) => {
      const length = JSON.stringify(message)?.length;
      if (length === undefined) throw new TypeError('message is not JSON');
      if (this.#ended) throw new RookeryError('left', `not in ${this.name}`);
      const key = randomKey();
      this.#outbox.set(key, { key, message, length, resolve, reject, firstSent: null, inFlight: false, tries: 0 });
      this.#flush();
    });
  }

  // who resolves to {online, members, more}: up to `limit` names, without the first `from`.
  who({ from, limit } = {}) {
    return this.#ask({ op: 'who', room: this.name, from, limit });
  }

  // history resolves to {messages}, the newest `limit` of those below offset `before`.
  history({ before, limit = 50 } = {}) {
    return this.#ask({ op: 'history', room: this.name, before, limit });
  }

  // leave tells the server and forgets the room; what was not yet acknowledged is rejected.
  leave() {
    if (this.#joined) this.#link.request({ op: 'leave', room: this.name }, nothing, nothing);
    this.end(new RookeryError('left', `left ${this.name}`));
  }

  // The methods below are called by Rookery.

  // opened joins over a fresh connection, resuming where the last one ended.
  opened() {
    this.#link.clock.clearTimeout(this.#hold); // a pause asked for on the old connection
    this.#hold = null;
    const join = { op: 'join', room: this.name, nickname: this.nickname };
    if (this.#epoch !== null) join.after = this.position;
    else if (this.#history > 0) join.history = this.#history;
    this.#link.request(join, (answer) => this.#onJoined(answer), (error) => this.#onRefused(error));
  }

  // lost notes that the connection is gone: nothing sent on it will be answered.
  lost() {
    this.#joined = false;
    for (const say of this.#outbox.values()) say.inFlight = false;
  }

  // longest is the longest say under way, or null. The server ends the connection of one that is too
  // long; repeated, it would end every connection to come.
  longest() {
    const underWay = [...this.#outbox.values()].filter((say) => say.inFlight);
    return underWay.reduce((longest, say) => (longest && longest.length >= say.length ? longest : say), null);
  }

  giveUp(say, error) {
    this.#outbox.delete(say.key);
    say.reject(error);
  }

  // end rejects what is unanswered and takes the room off its connection.
  end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#joined = false;
    this.#link.clock.clearTimeout(this.#hold);
    for (const say of this.#outbox.values()) say.reject(error);
    this.#outbox.clear();
    this.#link.forget();
    this.emit('closed', error);
  }

  // receive takes a chat object or a room's event. Before `joined` it can only be the rest of an
  // earlier membership.
  receive(object) {
    if (!this.#joined) return;
    switch (object.ev) {
      case undefined:
        if (this.#advance(object.offset)) this.emit(object.status === 0 ? 'left' : 'message', object);
        return;
      case 'gap': {
        const from = Math.max(object.from, this.#seen + 1);
        if (this.#advance(object.to)) this.emit('gap', { from, to: object.to });
        return;
      }
      case 'presence':
        this.online = object.online;
        this.emit('presence', { joined: [], left: [], more: 0, ...object });
        return;
      case 'redacted':
      case 'purged':
        this.emit(object.ev, object);
        return;
      default:
        this.emit('other', object);
    }
  }

  // #advance reports whether offset is new; one at or below the last delivered is a duplicate.
  #advance(offset) {
    if (!Number.isSafeInteger(offset) || offset <= this.#seen) return false;
    this.#seen = offset;
    return true;
  }

  #onJoined(answer) {
    const previous = this.#epoch;
    if (previous === null) {
      this.#base = Math.max(0, answer.offset - this.#history);
    } else if (previous !== answer.epoch) {
      this.#forget();
    }
    this.#epoch = answer.epoch;
    this.#joined = true;
    this.#joinTries = 0;
    this.online = answer.online;
    this.#link.changed();
    this.emit('joined', answer);
    if (previous !== null && previous !== answer.epoch) this.emit('restarted', { epoch: answer.epoch, previous });
    this.#flush();
  }

  // #forget drops the position: offsets of one epoch say nothing in another.
  #forget() {
    const previous = this.#epoch;
    this.#epoch = null;
    this.#seen = -1;
    this.#base = 0;
    return previous;
  }

  #onRefused(error) {
    if (this.#ended) return;
    if (error.code === 'bad_offset' && this.#epoch !== null) {
      // The log ends before what we have of it, so it is another log: begin anew.
      const previous = this.#forget();
      this.emit('restarted', { epoch: null, previous });
      this.#link.rejoin(this);
      return;
    }
    const wait = waitAfter(error);
    this.#joinTries++;
    if (wait === 0 || this.#joinTries > MAX_TRIES) {
      this.end(error);
      return;
    }
    this.#pause(wait, () => this.#link.rejoin(this));
  }

  // #flush sends what is not under way, oldest first.
  #flush() {
    if (!this.#joined || this.#hold !== null) return;
    const now = this.#link.clock.now();
    for (const say of this.#outbox.values()) {
      if (say.inFlight && this.#oneByOne) return;
      if (say.inFlight) continue;
      if (say.firstSent !== null && now - say.firstSent > KEY_LIFETIME_MS) {
        this.#outbox.delete(say.key);
        say.reject(new RookeryError('unconfirmed', 'no answer came; it may or may not have been said'));
        continue;
      }
      const op = { op: 'say', room: this.name, message: say.message, key: say.key };
      say.inFlight = this.#link.request(op, (answer) => this.#onSaid(say, answer), (error) => this.#onUnsaid(say, error));
      if (say.inFlight) say.firstSent ??= now;
      if (this.#oneByOne) return;
    }
  }

  #onSaid(say, answer) {
    this.#outbox.delete(say.key);
    say.resolve(answer);
    if (!this.#oneByOne) return;
    this.#oneByOne = this.#outbox.size > 0;
    this.#flush();
  }

  #onUnsaid(say, error) {
    say.inFlight = false;
    const wait = waitAfter(error);
    if (wait > 0 && ++say.tries <= MAX_TRIES) {
      this.#oneByOne = true;
      this.#pause(wait, () => this.#flush());
      return;
    }
    this.#outbox.delete(say.key);
    say.reject(error);
    this.#flush();
  }

  // #pause sends nothing for ms milliseconds; of several pauses the last holds.
  #pause(ms, then) {
    this.#link.clock.clearTimeout(this.#hold);
    this.#hold = this.#link.clock.setTimeout(() => {
      this.#hold = null;
      then();
    }, ms);
  }

  #ask(op) {
    return new Promise((resolve, reject) => {
      if (!this.#link.request(op, resolve, reject)) reject(new RookeryError('disconnected', 'not connected'));
    });
  }
}

function nothing() {}

function waitAfter(error) {
  return error.retryAfter || (PASSING.get(error.code) ?? 0);
}

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
