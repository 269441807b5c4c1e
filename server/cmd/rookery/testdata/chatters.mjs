// Some people who chat as the tutorials on Node's ws teach it: node chatters.mjs URL COUNT
// Everybody says something and hears everybody; then one after the other leaves, and the others hear of it.
// It ends with code 0, or says what went wrong.
import { createRequire } from 'node:module';
import { once } from 'node:events';
import assert from 'node:assert/strict';

const WebSocket = createRequire(new URL('../../../../web/test/', import.meta.url))('ws');
const [url, count] = [process.argv[2], Number(process.argv[3])];

class Person {
  heard = []; // objects that came and were not asked for yet
  #waiting = () => {};

  constructor(nickname, options) {
    this.nickname = nickname;
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data, isBinary) => {
      assert.equal(isBinary, false);
      this.heard.push(JSON.parse(data.toString()));
      this.#waiting();
    });
  }

  say(message) {
    this.last = { nickname: this.nickname, message, time: new Date().toLocaleTimeString(), mood: { of: ['the', 'day'] } };
    this.socket.send(JSON.stringify(this.last));
  }

  async hears(expected) {
    while (this.heard.length === 0) await new Promise((resolve) => { this.#waiting = resolve; });
    const { room, offset, ...rest } = this.heard.shift();
    assert.equal(room, 'lobby');
    assert.ok(Number.isInteger(offset));
    assert.deepEqual(rest, expected);
  }
}

const people = [];
for (let i = 0; i < count; i++) {
  const person = new Person(`person ${i}`, { perMessageDeflate: i % 2 === 0 });
  await once(person.socket, 'open');
  people.push(person);
}
for (const speaker of people) {
  for (const message of ['long '.repeat(1000), 'hello, "everybody" \u{1F426}']) {
    speaker.say(message);
    await Promise.all(people.map((person) => person.hears({ ...speaker.last, status: 1 })));
  }
}
const pong = once(people[0].socket, 'pong');
people[0].socket.ping('anybody?');
assert.equal(String((await pong)[0]), 'anybody?');
while (people.length > 0) {
  const leaver = people.pop();
  leaver.socket.close(1000, 'bye');
  await Promise.all([once(leaver.socket, 'close'), ...people.map((person) => person.hears({ ...leaver.last, status: 0 }))]);
}
