import { element, hueOf, nameOf, namesOf } from './format.js';

// As many names as are listed; the number of everybody is exact all the same.
const MAX_LISTED = 100;

// Comings and goings are told together, once per this time; in a large room less often.
const NOTICE_MS = 2000;
const NOTICE_LARGE_MS = 15_000;
const LARGE = 100;

// The list is asked for again at most this often when the events named only a sample.
const REFRESH_MS = 10_000;

// People shows who is in the room, and tells of joins and leaves in the log.
export class People {
  #list;
  #count;
  #more;
  #log;
  #room = null;
  #names = new Set();
  #told = false; // presence events come
  #came = new Set();
  #went = new Set();
  #others = 0;
  #noticeTimer = null;
  #refreshTimer = null;
  #last = null; // the notice shown last, and what it says

  constructor({ list, count, more, log }) {
    this.#list = list;
    this.#count = count;
    this.#more = more;
    this.#log = log;
  }

  // follow shows the people of a room until the next call; null shows nobody.
  follow(room) {
    clearTimeout(this.#noticeTimer);
    clearTimeout(this.#refreshTimer);
    this.#noticeTimer = this.#refreshTimer = this.#last = null;
    this.#forgetNews();
    this.#names.clear();
    this.#told = false;
    this.#room = room;
    this.#show(0);
    if (!room) return;
    const current = (run) => (detail) => room === this.#room && run(detail);
    room.on('joined', current(() => this.#refresh()));
    room.on('presence', current((presence) => this.#onPresence(presence)));
    room.on('left', current((object) => this.#onLeft(nameOf(object.nickname))));
  }

  async #refresh() {
    const room = this.#room;
    let answer;
    try {
      answer = await room.who();
    } catch {
      return; // the connection went; joining again asks again
    }
    if (room !== this.#room) return;
    this.#names = new Set(answer.members.map(nameOf));
    room.online = answer.online;
    this.#show(answer.online);
  }

  #onPresence({ joined, left, more, online }) {
    if (joined.length + left.length + more === 0) {
      this.#show(online);
      return;
    }
    this.#told = true;
    for (const name of joined.map(nameOf)) {
      this.#names.add(name);
      if (!this.#went.delete(name)) this.#came.add(name);
    }
    for (const name of left.map(nameOf)) {
      this.#names.delete(name);
      if (!this.#came.delete(name)) this.#went.add(name);
    }
    this.#others += more;
    this.#show(online);
    this.#noticeTimer ??= setTimeout(() => this.#notice(), online > LARGE ? NOTICE_LARGE_MS : NOTICE_MS);
    if (more > 0 || Math.min(this.#names.size, MAX_LISTED) !== Math.min(online, MAX_LISTED)) {
      this.#refreshTimer ??= setTimeout(() => {
        this.#refreshTimer = null;
        this.#refresh();
      }, REFRESH_MS);
    }
  }

  // #onLeft is a single leave. Presence tells of all whom it knows by name, and the others' is told here.
  #onLeft(name) {
    const told = this.#told;
    if (told && this.#names.has(name)) return;
    this.#onPresence({ joined: [], left: [name], more: 0, online: this.#room.online });
    this.#told = told;
  }

  #show(online) {
    const own = this.#room?.nickname;
    const names = [...this.#names].sort((a, b) => (b === own) - (a === own) || a.localeCompare(b)).slice(0, MAX_LISTED);
    this.#list.replaceChildren(...names.map((name) => {
      const item = element('li');
      const shown = element('bdi', 'name', name);
      shown.style.setProperty('--hue', hueOf(name).toFixed(0));
      item.append(shown);
      if (name === own) item.append(element('span', 'you', ' (you)'));
      return item;
    }));
    this.#count.textContent = online.toLocaleString();
    const unnamed = online - names.length;
    this.#more.hidden = unnamed <= 0;
    this.#more.textContent = `and ${unnamed.toLocaleString()} more`;
  }

  // #notice adds to the last line as long as nothing was said below it.
  #notice() {
    this.#noticeTimer = null;
    const own = this.#room.nickname;
    this.#came.delete(own);
    this.#went.delete(own);
    let news = { came: this.#came, went: this.#went, others: this.#others };
    const goesOn = this.#last && this.#log.isLast(this.#last.entry);
    if (goesOn) news = merged(this.#last.news, news);
    this.#forgetNews();
    const text = worded(news);
    if (goesOn) this.#last.entry.textContent = text || 'People came and went.';
    else if (text) this.#last = { entry: this.#log.notice(text) };
    if (this.#last) this.#last.news = news;
  }

  #forgetNews() {
    this.#came = new Set();
    this.#went = new Set();
    this.#others = 0;
  }
}

function merged(first, then) {
  const came = new Set(first.came);
  const went = new Set(first.went);
  for (const name of then.came) if (!went.delete(name)) came.add(name);
  for (const name of then.went) if (!came.delete(name)) went.add(name);
  return { came, went, others: first.others + then.others };
}

function worded({ came, went, others }) {
  const parts = [];
  if (came.size > 0) parts.push(`${namesOf([...came])} joined`);
  if (went.size > 0) parts.push(`${namesOf([...went])} left`);
  if (others > 0) parts.push(`${others === 1 ? '1 other' : `${others.toLocaleString()} others`} came or went`);
  return parts.join('; ');
}
