// The client against a socket and a clock that only the test moves.
import test from 'node:test';
import assert from 'node:assert/strict';
import { Rookery, RookeryError } from '../static/rookery.js';
import { FakeSocket, chat, setUp } from './fakes.mjs';

const socket = () => FakeSocket.last;
const refused = (code) => (error) => error instanceof RookeryError && error.code === code;

test('joins with nickname and history, and says in words where it stands', () => {
  const { states } = setUp({ enter: false, join: { history: 50 } });
  assert.deepEqual([socket().url, socket().asked], ['ws://gateway.test/ws', 'rookery.v1']);
  socket().open();
  assert.deepEqual(socket().sent, [{ op: 'join', room: 'lobby', nickname: 'ann', history: 50, id: 1 }]);
  socket().joined({ online: 12 });
  assert.deepEqual(states, ['connecting', 'connected to lobby']);
});

test('hands on messages in order and each offset once', () => {
  const { offsets, of } = setUp();
  for (const offset of [1, 2, 2, 1, 3]) socket().receive(chat(offset));
  socket().receive(chat(4, undefined, { status: 0 }));
  socket().receive(chat(3));
  for (const offset of [-1, 1.5, '9', null, 2 ** 60]) socket().receive(chat(offset));
  assert.deepEqual(offsets(), [1, 2, 3]);
  assert.deepEqual(of('left').map((object) => object.offset), [4]);
});

test('surfaces gap, redacted, presence and what it does not know', () => {
  const { of, offsets, room } = setUp();
  socket().receive(chat(1));
  socket().receive({ ev: 'gap', room: 'lobby', from: 1, to: 8 });
  socket().receive(chat(8));
  socket().receive(chat(9));
  socket().receive({ ev: 'redacted', room: 'lobby', offset: 9 });
  socket().receive({ ev: 'purged', room: 'lobby', to: 9 });
  socket().receive({ ev: 'presence', room: 'lobby', online: 40, joined: ['bob'] });
  socket().receive({ ev: 'weather', room: 'lobby' });
  assert.deepEqual(of('gap'), [{ from: 2, to: 8 }]);
  assert.deepEqual(offsets(), [1, 9]);
  assert.equal(of('redacted')[0].offset, 9);
  assert.equal(of('purged')[0].to, 9);
  assert.deepEqual(of('presence')[0].joined, ['bob']);
  assert.deepEqual(of('presence')[0].left, []);
  assert.equal(room.online, 40);
  assert.equal(of('other')[0].ev, 'weather');
});

test('resumes behind the last offset it has, and drops what it had', () => {
  const { clock, offsets } = setUp();
  socket().receive(chat(1));
  socket().receive(chat(2));
  socket().drop();
  clock.advance(250);
  assert.equal(FakeSocket.all.length, 2);
  socket().open();
  assert.deepEqual(socket().ops('join')[0].after, { epoch: 'E', offset: 2 });
  socket().receive(chat(7)); // before joined: no promise covers it yet
  socket().joined({ offset: 4, recovered: true });
  for (const offset of [2, 3, 4]) socket().receive(chat(offset));
  assert.deepEqual(offsets(), [1, 2, 3, 4]);
});

test('resumes before the first message too, behind what history was promised', () => {
  for (const [join, offset, want] of [[{ history: 50 }, 57, 7], [{ history: 50 }, 10, 0], [{}, 57, 57]]) {
    const { clock } = setUp({ enter: false, join });
    socket().open();
    socket().joined({ offset });
    socket().drop();
    clock.advance(250);
    socket().open();
    assert.deepEqual(socket().ops('join')[0].after, { epoch: 'E', offset: want });
    assert.equal(socket().ops('join')[0].history, undefined);
  }
});

test('resumes from a position kept elsewhere', () => {
  const { room } = setUp({ enter: false, join: { after: { epoch: 'E', offset: 41 } } });
  socket().open();
  assert.deepEqual(socket().ops('join')[0].after, { epoch: 'E', offset: 41 });
  socket().joined({ offset: 42, recovered: true });
  socket().receive(chat(42));
  assert.deepEqual(room.position, { epoch: 'E', offset: 42 });
});

test('a new epoch counts from its own beginning, and is told', () => {
  const { clock, of, offsets } = setUp();
  socket().receive(chat(30));
  socket().drop();
  clock.advance(250);
  socket().open();
  socket().joined({ epoch: 'F', offset: 2 });
  socket().receive(chat(1));
  socket().receive(chat(2));
  assert.deepEqual(of('restarted'), [{ epoch: 'F', previous: 'E' }]);
  assert.deepEqual(offsets(), [30, 1, 2]);
});

test('a log that ends before what we have of it is joined anew', () => {
  const { clock, of, offsets } = setUp({ enter: false, join: { history: 20 } });
  socket().open();
  socket().joined({ offset: 30 });
  socket().receive(chat(30));
  socket().drop();
  clock.advance(250);
  socket().open();
  socket().answer('join', { ev: 'error', code: 'bad_offset', reason: 'the offset is not one that the room has given out' });
  const again = socket().ops('join')[1];
  assert.deepEqual([again.after, again.history], [undefined, 20]);
  socket().joined({ offset: 2 });
  socket().receive(chat(1));
  socket().receive(chat(2));
  assert.deepEqual(of('restarted'), [{ epoch: null, previous: 'E' }]);
  assert.deepEqual(offsets(), [30, 1, 2]);
  assert.equal(of('closed').length, 0);
});

test('backs off exponentially with full jitter, up to the limit', () => {
  for (const [random, want] of [[0.999999, [500, 1000, 2000, 4000, 4000]], [0.5, [250, 500, 1000, 2000, 2000]]]) {
    const { clock } = setUp({ options: { random: () => random, maxDelay: 4000 } });
    for (const delay of want) {
      const before = FakeSocket.all.length;
      socket().drop();
      clock.advance(delay - 1);
      assert.equal(FakeSocket.all.length, before, `sooner than ${delay} ms`);
      clock.advance(1);
      assert.equal(FakeSocket.all.length, before + 1, `later than ${delay} ms`);
    }
  }
});

test('a connection that stood long begins the backoff anew, a short one does not', () => {
  const { clock } = setUp({ options: { random: () => 0.999999, maxDelay: 4000 } });
  const waits = (ms) => {
    const before = FakeSocket.all.length;
    socket().drop();
    clock.advance(ms - 1);
    const early = FakeSocket.all.length - before;
    clock.advance(1);
    return early === 0 && FakeSocket.all.length === before + 1;
  };
  assert.ok(waits(500));
  socket().open();
  assert.ok(waits(1000));
  socket().open();
  clock.advance(4001);
  assert.ok(waits(500));
});

test('counts the seconds down, and tries at once when told to', () => {
  const { clock, rookery, states } = setUp({ options: { baseDelay: 5000 } });
  socket().drop(1006);
  clock.advance(1000);
  assert.deepEqual(states.slice(2), [
    'disconnected: the connection was lost; reconnecting in 3 s', 'disconnected: the connection was lost; reconnecting in 2 s',
  ]);
  rookery.connect();
  assert.equal(FakeSocket.all.length, 2);
  clock.advance(5000);
  assert.equal(FakeSocket.all.length, 2);
});

test('stays away exactly as long as bye says, and says nothing meanwhile', async () => {
  const { clock, room, states } = setUp();
  socket().receive({ ev: 'bye', reason: 'draining', retry_after_ms: 4213 });
  const saying = room.say('held');
  assert.equal(socket().ops('say').length, 0);
  socket().drop(1012);
  assert.equal(states.at(-1), 'disconnected: the server is restarting; reconnecting in 5 s');
  clock.advance(4212);
  assert.equal(FakeSocket.all.length, 1);
  clock.advance(1);
  assert.equal(FakeSocket.all.length, 2);
  socket().open();
  socket().joined({ recovered: true });
  assert.equal(socket().ops('say')[0].message, 'held');
  socket().answer('say', { ev: 'ack', room: 'lobby', offset: 1, repeat: false });
  assert.equal((await saying).offset, 1);
});

test('adds what an error without a request asked for to the next wait', () => {
  const { clock, rookery } = setUp();
  const errors = [];
  rookery.on('error', (error) => errors.push(error.code));
  socket().receive({ ev: 'error', code: 'over_capacity', reason: 'full', retry_after_ms: 9000 });
  socket().drop(1013);
  clock.advance(9249);
  assert.equal(FakeSocket.all.length, 1);
  clock.advance(1);
  assert.equal(FakeSocket.all.length, 2);
  assert.deepEqual(errors, ['over_capacity']);
});

test('takes a connection for dead after twice ping_seconds of silence', () => {
  const { clock, states } = setUp();
  clock.advance(49_000);
  socket().receive({ ev: 'ping' });
  clock.advance(49_999);
  assert.equal(socket().closed, null);
  clock.advance(1);
  assert.equal(socket().closed, 1005);
  assert.match(states.at(-1), /^disconnected: nothing was heard for 50 s; reconnecting in 1 s$/);
  const old = socket();
  clock.advance(250);
  socket().open();
  old.receive(chat(1)); // a late word of the dead one
  old.drop(1006);
  assert.equal(FakeSocket.all.length, 2);
});

test('takes a server that never greets for dead, and asks no pings of one that sends none', () => {
  const { clock } = setUp({ enter: false });
  clock.advance(15_000);
  assert.equal(socket().closed, 1005);
  clock.advance(250);
  assert.equal(FakeSocket.all.length, 2);
  socket().open({ pingSeconds: 0 });
  clock.advance(10_000_000);
  assert.equal(FakeSocket.all.length, 2);
});

test('does not come back where that would be of no use', async () => {
  for (const [code, words] of [[4001, 'not authorised'], [4002, 'the token expired'], [4003, 'removed by an operator (spam)']]) {
    const { clock, room, of, rookery } = setUp();
    const saying = room.say('x');
    socket().drop(code, code === 4003 ? 'spam' : '');
    clock.advance(1_000_000);
    assert.equal(FakeSocket.all.length, 1);
    assert.equal(rookery.state.text, `disconnected: ${words}`);
    assert.equal(of('closed')[0].code, 'closed');
    await assert.rejects(saying, refused('closed'));
  }
});

test('a server that does not take the subprotocol is left', () => {
  const { clock, rookery } = setUp({ enter: false });
  socket().open({ protocol: '' });
  assert.equal(rookery.state.text, 'disconnected: the server does not speak rookery.v1');
  assert.equal(socket().closed, 1000);
  clock.advance(1_000_000);
  assert.equal(FakeSocket.all.length, 1);
});

test('close leaves no timer, no room and no open promise', async () => {
  const { clock, room, rookery } = setUp();
  const promises = [room.say('x'), room.who(), rookery.ping()];
  rookery.close('you left');
  assert.equal(rookery.state.text, 'disconnected: you left');
  assert.equal(socket().closed, 1000);
  assert.equal(clock.pending, 0);
  for (const promise of promises) await assert.rejects(promise, RookeryError);
  await assert.rejects(room.say('y'), refused('left'));
});

test('who, history and ping are answered, or fail with the connection', async () => {
  const { clock, room, rookery } = setUp();
  const who = room.who();
  socket().answer('who', { ev: 'who', room: 'lobby', online: 2, members: ['ann', 'bob'], more: 0 });
  assert.deepEqual((await who).members, ['ann', 'bob']);
  const history = room.history({ before: 41, limit: 5 });
  assert.deepEqual({ ...socket().ops('history')[0], id: 0 }, { op: 'history', room: 'lobby', before: 41, limit: 5, id: 0 });
  socket().answer('history', { ev: 'history', room: 'lobby', messages: [] });
  assert.deepEqual((await history).messages, []);
  const ping = rookery.ping();
  clock.advance(30);
  socket().answer('ping', { ev: 'pong' });
  assert.equal(await ping, 30);
  const lost = room.who();
  socket().drop();
  await assert.rejects(lost, refused('disconnected'));
  await assert.rejects(room.history(), refused('disconnected'));
});

test('leave forgets the room; what still comes of it is not taken for the next membership', async () => {
  const { rookery, room } = setUp();
  const saying = room.say('x');
  room.leave();
  assert.equal(socket().ops('leave').length, 1);
  await assert.rejects(saying, refused('left'));
  const again = rookery.join('lobby', { nickname: 'anna' });
  const offsets = [];
  again.on('message', (message) => offsets.push(message.offset));
  socket().receive(chat(5));
  socket().joined({ offset: 5 });
  socket().receive(chat(6));
  assert.deepEqual(offsets, [6]);
  assert.throws(() => rookery.join('lobby', { nickname: 'ann' }), refused('already_joined'));
});

test('a refused join ends the room with the reason', async () => {
  const { rookery, of, room } = setUp({ enter: false });
  socket().open();
  const saying = room.say('x');
  socket().answer('join', { ev: 'error', code: 'bad_nickname', reason: 'a nickname has 1 to 64 characters' });
  assert.equal(of('closed')[0].code, 'bad_nickname');
  await assert.rejects(saying, refused('bad_nickname'));
  assert.equal(rookery.state.text, 'connected');
});

test('a join is asked for again when the error names a time, once per connection', () => {
  const { clock } = setUp({ enter: false });
  socket().open();
  socket().answer('join', { ev: 'error', code: 'rate_limited', reason: 'later', retry_after_ms: 700 });
  clock.advance(700);
  assert.equal(socket().ops('join').length, 2);
  socket().answer('join', { ev: 'error', code: 'rate_limited', reason: 'later', retry_after_ms: 5000 });
  socket().drop();
  clock.advance(250 + 750);
  socket().open();
  clock.advance(10_000);
  assert.equal(socket().ops('join').length, 1);
});

test('several rooms share a connection', () => {
  const { clock, rookery, offsets } = setUp();
  const other = rookery.join('attic', { nickname: 'ann' });
  assert.equal(rookery.state.text, 'connecting');
  socket().joined({ room: 'attic', epoch: 'A' });
  assert.equal(rookery.state.text, 'connected to lobby, attic');
  const heard = [];
  other.on('message', (message) => heard.push(message.offset));
  socket().receive(chat(1));
  socket().receive(chat(9, 'up here', { room: 'attic' }));
  socket().drop();
  clock.advance(250);
  socket().open();
  assert.deepEqual(socket().ops('join').map((join) => [join.room, join.after.offset]), [['lobby', 1], ['attic', 9]]);
  assert.deepEqual([offsets(), heard], [[1], [9]]);
});

test('survives whatever a server may send', () => {
  const { rookery, heard } = setUp();
  const errors = [];
  rookery.on('error', (error) => errors.push(error.code));
  const before = heard.length;
  for (const text of ['', '{', 'null', '17', '"x"']) socket().receive(text);
  for (const object of [[], {}, { ev: 'ack', id: 99 }, { ev: 'joined' }, { room: 'nowhere', offset: 1 }, { ev: 'gap', room: 'lobby' },
    { ev: 'gap', room: 'lobby', from: 'x', to: 'y' }, { ev: 'toString', room: '__proto__' }]) socket().receive(object);
  assert.deepEqual(errors, Array(5).fill('bad_json'));
  assert.equal(heard.length, before);
});

test('without WebSocket, or with no address, it says so at once', () => {
  assert.throws(() => new Rookery('ws://gateway.test/', { WebSocket: undefined }), refused('no_websocket'));
  assert.throws(() => new Rookery('/ws', { WebSocket: FakeSocket }), refused('bad_address'));
});
