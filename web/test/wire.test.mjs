// The client over real sockets (npm ws) against the mock gateway.
import test from 'node:test';
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { Rookery } from '../static/rookery.js';
import { Mock } from './mock.mjs';

// No wait between attempts: what is tested here is order, not time.
const options = { WebSocket, random: () => 0 };

// once resolves to the next detail of that type for which fits holds.
function once(emitter, type, fits = () => true) {
  return new Promise((resolve) => {
    const off = emitter.on(type, (detail) => {
      if (!fits(detail)) return;
      off();
      resolve(detail);
    });
  });
}

async function withMock(run) {
  const mock = new Mock();
  const address = await mock.listen();
  const open = [];
  const client = () => {
    open.push(new Rookery(`ws://${address}/ws`, options));
    return open.at(-1);
  };
  try {
    await run(mock, client);
  } finally {
    for (const rookery of open) rookery.close();
    await mock.close();
  }
}

test('two clients talk', () => withMock(async (mock, client) => {
  const [ann, bob] = ['ann', 'bob'].map((nickname) => client().join('lobby', { nickname }));
  await Promise.all([once(ann, 'joined'), once(bob, 'joined')]);
  const heard = once(bob, 'message');
  const ack = await ann.say('hello, <b>bob</b>');
  const message = await heard;
  assert.deepEqual([message.nickname, message.message, message.offset], ['ann', 'hello, <b>bob</b>', ack.offset]);
  assert.deepEqual((await ann.who()).members.sort(), ['ann', 'bob']);
}));

test('a say whose ack is lost with the line is said once, and nothing is missed', () => withMock(async (mock, client) => {
  const [ann, bob] = ['ann', 'bob'].map((nickname) => client().join('lobby', { nickname }));
  await Promise.all([once(ann, 'joined'), once(bob, 'joined')]);
  const heard = [];
  bob.on('message', ({ message }) => heard.push(message));

  mock.deaf = true;
  const saying = ann.say('once');
  await once(ann, 'message');
  mock.deaf = false;
  mock.cut();
  mock.publish(mock.room('lobby'), 'bot', 'meanwhile');
  const ack = await saying;
  assert.deepEqual([ack.offset, ack.repeat], [1, true]);
  await ann.say('after');
  if (heard.length < 3) await once(bob, 'message', ({ message }) => message === 'after');
  assert.deepEqual(heard, ['once', 'meanwhile', 'after']);
}));

test('what the log no longer holds is a gap', () => withMock(async (mock, client) => {
  mock.retain = 3;
  const room = client().join('lobby', { nickname: 'ann' });
  await once(room, 'joined');
  mock.publish(mock.room('lobby'), 'bot', 'seen');
  await once(room, 'message');
  mock.cut();
  for (let i = 0; i < 8; i++) mock.publish(mock.room('lobby'), 'bot', i);
  const gap = once(room, 'gap');
  const last = once(room, 'message', ({ offset }) => offset === 9);
  assert.deepEqual(await gap, { from: 2, to: 6 });
  await last;
}));

test('a bye is followed by a return', () => withMock(async (mock, client) => {
  const rookery = client();
  const room = rookery.join('lobby', { nickname: 'ann' });
  await once(room, 'joined');
  const away = once(rookery, 'state', (state) => state.name === 'waiting');
  mock.bye(1);
  assert.equal((await away).why, 'the server is restarting');
  await once(room, 'joined');
  assert.equal(mock.joins.length, 2);
}));
