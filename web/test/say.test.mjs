// Saying: once, in order, under one key, whatever the line and the server do to it. On fakes, as client.test.mjs.
import test from 'node:test';
import assert from 'node:assert/strict';
import { RookeryError } from '../static/rookery.js';
import { FakeSocket, setUp, settled } from './fakes.mjs';

const socket = () => FakeSocket.last;
const refused = (code) => (error) => error instanceof RookeryError && error.code === code;

test('says with a random key of 128 bits, and resolves with the ack', async () => {
  const { room } = setUp();
  const keys = new Set();
  for (let i = 0; i < 20; i++) {
    const saying = room.say({ i });
    const { key, message } = socket().ops('say').at(-1);
    assert.match(key, /^[0-9a-f]{32}$/);
    assert.deepEqual(message, { i });
    keys.add(key);
    socket().answer('say', { ev: 'ack', room: 'lobby', offset: i + 1, repeat: false });
    assert.equal((await saying).offset, i + 1);
  }
  assert.equal(keys.size, 20);
});

test('repeats what was not acknowledged under its first key, in order', async () => {
  const { clock, room } = setUp();
  const first = room.say('one');
  const second = room.say('two');
  const keys = socket().ops('say').map((say) => say.key);
  socket().drop();
  const third = room.say('three');
  clock.advance(250);
  socket().open();
  assert.equal(socket().ops('say').length, 0);
  socket().joined({ recovered: true });
  const again = socket().ops('say');
  assert.deepEqual(again.map((say) => say.message), ['one', 'two', 'three']);
  assert.deepEqual(again.slice(0, 2).map((say) => say.key), keys);
  again.forEach((say, i) => socket().receive({ ev: 'ack', id: say.id, room: 'lobby', offset: i + 1, repeat: i < 2 }));
  assert.deepEqual((await Promise.all([first, second, third])).map((ack) => ack.repeat), [true, true, false]);
  socket().drop();
  clock.advance(500);
  socket().open();
  socket().joined();
  assert.equal(socket().ops('say').length, 0);
});

test('does not repeat a say whose key the server may have forgotten, but sends one never sent', async () => {
  const { clock, room, rookery } = setUp();
  const sent = room.say('sent');
  socket().drop();
  const unsent = room.say('unsent');
  clock.advance(111_000);
  rookery.connect();
  socket().open();
  socket().joined();
  await assert.rejects(sent, refused('unconfirmed'));
  assert.deepEqual(socket().ops('say').map((say) => say.message), ['unsent']);
  assert.equal(await settled(unsent), 'open');
});

test('waits as long as a refused say must, then repeats it under its key', async () => {
  const { clock, room } = setUp();
  const saying = room.say('quick');
  socket().answer('say', { ev: 'error', code: 'rate_limited', reason: 'slow down', retry_after_ms: 800 });
  const next = room.say('next');
  clock.advance(799);
  assert.equal(socket().ops('say').length, 1);
  clock.advance(1);
  const [first, repeat] = socket().ops('say');
  assert.equal(repeat.key, first.key);
  room.say('last');
  assert.equal(socket().ops('say').length, 2);
  socket().answer('say', { ev: 'ack', room: 'lobby', offset: 1, repeat: false });
  assert.equal(socket().ops('say').at(-1).message, 'next');
  socket().answer('say', { ev: 'ack', room: 'lobby', offset: 2, repeat: false });
  assert.deepEqual((await Promise.all([saying, next])).map((ack) => ack.offset), [1, 2]);
});

test('errors that pass are waited out without being told for how long', async () => {
  for (const [code, wait] of [['unavailable', 1000], ['draining', 2000]]) {
    const { clock, room } = setUp();
    const saying = room.say('x');
    socket().answer('say', { ev: 'error', code, reason: code });
    clock.advance(wait - 1);
    assert.equal(socket().ops('say').length, 1);
    clock.advance(1);
    socket().answer('say', { ev: 'ack', room: 'lobby', offset: 1, repeat: false });
    assert.equal((await saying).offset, 1);
  }
});

test('gives up on a say that is refused for good, or again and again', async () => {
  const { clock, room } = setUp();
  const refusedSay = room.say('no');
  socket().answer('say', { ev: 'error', code: 'too_long', reason: 'too long' });
  await assert.rejects(refusedSay, refused('too_long'));
  const limited = room.say('again');
  for (let i = 0; i < 9; i++) {
    socket().answer('say', { ev: 'error', code: 'rate_limited', reason: 'slow down', retry_after_ms: 10 });
    clock.advance(10);
  }
  await assert.rejects(limited, refused('rate_limited'));
});

test('after a refusal that passes, says go one by one and in order, however many wait', async () => {
  const { clock, room } = setUp();
  const sayings = Array.from({ length: 30 }, (_, i) => room.say(i));
  const said = [];
  const refuse = (op) => socket().receive({ ev: 'error', id: op.id, code: 'rate_limited', reason: 'slow down', retry_after_ms: 100 });
  socket().ops('say').forEach((op, i) => {
    if (i >= 10) return refuse(op);
    said.push(op.message);
    return socket().receive({ ev: 'ack', id: op.id, room: 'lobby', offset: i + 1, repeat: false });
  });
  for (let turn = 0; said.length < 30; turn++) {
    const before = socket().ops('say').length;
    if (turn % 2 === 0) clock.advance(100);
    const sent = socket().ops('say').slice(before);
    assert.ok(sent.length <= 1);
    const op = socket().ops('say').at(-1);
    if (turn % 2 === 0) {
      said.push(op.message);
      socket().receive({ ev: 'ack', id: op.id, room: 'lobby', offset: said.length, repeat: false });
    } else refuse(op);
  }
  await Promise.all(sayings);
  assert.deepEqual(said, [...Array(30).keys()]);
  const [first, second] = [room.say('free'), room.say('again')];
  assert.equal(socket().ops('say').slice(-2).map((op) => op.message).join(), 'free,again');
  assert.deepEqual([await settled(first), await settled(second)], ['open', 'open']);
});

test('gives up on the longest say when one was too large for the server', async () => {
  const { clock, room, rookery } = setUp();
  rookery.join('attic', { nickname: 'ann' });
  socket().joined({ room: 'attic' });
  const short = room.say('short');
  const long = room.say('x'.repeat(1000));
  socket().drop(1009);
  await assert.rejects(long, refused('too_large'));
  clock.advance(250);
  socket().open();
  socket().receive({ ev: 'joined', id: socket().ops('join')[0].id, room: 'lobby', epoch: 'E', offset: 0, online: 1, recovered: true });
  assert.deepEqual(socket().ops('say').map((op) => op.message), ['short']);
  assert.equal(await settled(short), 'open');
});

test('an error that names no request is that of the one left unanswered', async () => {
  const { room } = setUp();
  const errors = [];
  const [good, deep, who, lone] = [room.say('good'), room.say('deep'), room.who(), room.say('lone')];
  deep.catch((error) => errors.push(['deep', error.code]));
  lone.catch((error) => errors.push(['lone', error.code]));
  const later = () => room.say('later');
  socket().receive({ ev: 'error', code: 'too_deep', reason: 'too deep' });
  const after = later();
  socket().receive({ ev: 'error', code: 'lone_surrogate', reason: 'half a pair' });
  socket().answer('who', { ev: 'who', room: 'lobby', online: 1, members: [], more: 0 });
  await who;
  assert.deepEqual(errors, []);
  const [first, , , last] = socket().ops('say');
  socket().receive({ ev: 'ack', id: last.id, room: 'lobby', offset: 1, repeat: false });
  socket().receive({ ev: 'ack', id: first.id, room: 'lobby', offset: 2, repeat: false });
  await Promise.all([good, after]);
  await settled(Promise.resolve());
  assert.deepEqual(errors, [['deep', 'too_deep'], ['lone', 'lone_surrogate']]);
  const alone = room.say('alone');
  socket().receive({ ev: 'error', code: 'bad_json', reason: 'not JSON' });
  await assert.rejects(alone, refused('bad_json'));
});

test('a request without an answer fails, on a connection that lives', async () => {
  const { clock, room, of } = setUp({ options: { openTimeout: 1000 } });
  const [saying, who] = [room.say('x'), room.who()];
  clock.advance(29_999);
  assert.equal(await settled(saying), 'open');
  clock.advance(1);
  await assert.rejects(saying, refused('no_answer'));
  await assert.rejects(who, refused('no_answer'));
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(of('closed').length, 0);
});
