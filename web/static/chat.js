import { Rookery, RookeryError } from './rookery.js';
import { Log } from './log.js';
import { People } from './people.js';

const HISTORY = 50;

const find = (id) => document.getElementById(id);
const page = {
  nickname: find('nickname'), room: find('room'), join: find('join'), leave: find('leave'), problem: find('entry-problem'),
  message: find('message'), send: find('send'), older: find('older'), empty: find('empty'), title: find('title'),
  state: find('state'), spoken: find('spoken'), retry: find('retry'), menu: find('menu'),
};
const log = new Log({ scroller: find('scroller'), list: find('log'), newer: find('newer'), onDropped });
const people = new People({ list: find('who'), count: find('online'), more: find('more'), log });

let rookery;
let room = null;
let sinceHidden = 0;
let reached = null; // the lowest offset asked back to
let shiftDown = false;

function start() {
  try {
    rookery = new Rookery('ws');
  } catch (error) {
    const unable = find('unable');
    unable.hidden = false;
    unable.textContent = error instanceof RookeryError && error.code === 'no_websocket'
      ? 'This browser has no WebSocket, which chatting needs. A current browser has.'
      : `Chatting is not possible here: ${error.message}.`;
    page.join.disabled = true;
    return;
  }
  rookery.on('state', showState);
  rookery.on('error', (error) => log.notice(`The server says: ${error.reason}`, 'trouble'));

  page.nickname.value = recall('nickname');
  page.room.value = new URLSearchParams(location.search).get('room') || recall('room') || 'lobby';
  find('entry').addEventListener('submit', onEntry);
  page.leave.addEventListener('click', leave);
  find('composer').addEventListener('submit', onSend);
  page.message.addEventListener('keydown', (event) => { shiftDown = event.shiftKey; });
  page.message.addEventListener('beforeinput', onLineBreak);
  page.older.addEventListener('click', showOlder);
  page.retry.addEventListener('click', () => rookery.connect());
  page.menu.addEventListener('click', () => openMenu(page.menu.getAttribute('aria-expanded') !== 'true'));
  document.addEventListener('visibilitychange', () => {
    sinceHidden = 0;
    showTitle();
  });

  // A reload stays in the room.
  if (recall('in', sessionStorageOrNone()) && page.nickname.value) join(page.nickname.value, page.room.value);
  else page.nickname.focus();
}

function onEntry(event) {
  event.preventDefault();
  const nickname = page.nickname.value.trim();
  const name = page.room.value.trim();
  if (!nickname || !name) {
    complain(nickname ? 'Choose a room.' : 'Choose a nickname.');
    (nickname ? page.room : page.nickname).focus();
    return;
  }
  if (room?.name === name && room.nickname === nickname) page.message.focus();
  else join(nickname, name);
}

function join(nickname, name) {
  room?.leave();
  complain('');
  log.clear();
  reached = null;
  remember('nickname', nickname);
  remember('room', name);
  remember('in', 'yes', sessionStorageOrNone());
  const url = new URL(location.href);
  url.searchParams.set('room', name);
  history.replaceState(null, '', url);

  const joining = rookery.join(name, { nickname, history: HISTORY });
  room = joining;
  people.follow(joining);
  const current = (run) => (detail) => joining === room && run(detail);
  let caughtUp = 0;
  joining.on('joined', current((answer) => {
    caughtUp = answer.offset;
    page.older.hidden = answer.offset === 0;
    page.empty.hidden = true;
  }));
  joining.on('message', current((message) => onMessage(message, message.offset <= caughtUp)));
  joining.on('redacted', current(({ offset }) => log.withdraw(offset)));
  joining.on('purged', current(({ to }) => {
    log.withdrawTo(to);
    log.notice('The messages above were withdrawn.');
  }));
  joining.on('gap', current(({ from, to }) => log.notice(missing(to - from + 1), 'trouble')));
  joining.on('restarted', current(() => {
    log.restart();
    page.older.hidden = true;
    log.notice('The room began anew on the server; messages may be missing here.', 'trouble');
  }));
  joining.on('closed', current(onClosed));
  showPlace();
  openMenu(false);
  page.message.focus();
}

function onMessage(message, past) {
  log.add(message, { quiet: past });
  if (document.hidden && !past) sinceHidden++;
  showTitle();
}

function missing(count) {
  return count === 1 ? 'One message could not be delivered.' : `${count.toLocaleString()} messages could not be delivered.`;
}

function leave() {
  const left = room;
  room = null; // before its `closed` event, which tells of ends not asked for
  left?.leave();
  rookery.close('you left');
  remember('in', '', sessionStorageOrNone());
  showPlace();
  page.join.focus();
}

// onClosed is the end of a room that nobody here asked for: a refused join, a removal.
function onClosed(error) {
  room = null;
  if (rookery.state.name !== 'closed') rookery.close(error.reason);
  remember('in', '', sessionStorageOrNone());
  complain(sentence(error.reason));
  showPlace();
  openMenu(true);
  page.nickname.focus();
}

function onSend(event) {
  event.preventDefault();
  const text = page.message.value.trim();
  if (!text || !room) return;
  page.message.value = '';
  page.message.focus();
  say(room, text);
}

function say(where, text) {
  const own = log.addOwn(where.nickname, text);
  where.say(text).then(
    ({ offset }) => own.sent(offset),
    (error) => own.failed(error.reason ?? error.message, () => room && say(room, text)),
  );
}

// onLineBreak sends instead, unless Shift is down. The event of the edit, not that of the key: it
// also comes from on-screen keyboards, and not from an Enter that ends an input method's composition.
function onLineBreak(event) {
  if (event.inputType !== 'insertLineBreak' || shiftDown) return;
  event.preventDefault();
  find('composer').requestSubmit();
}

function onDropped() {
  reached = null;
  page.older.hidden = false;
}

async function showOlder() {
  const before = reached ?? log.oldest;
  const asked = room;
  if (before === null || !asked) return;
  page.older.disabled = true;
  try {
    const { messages } = await asked.history({ before, limit: HISTORY });
    if (asked !== room) return;
    const said = messages.filter((message) => message.status === 1);
    log.addOlder(said);
    if (messages.length > 0) reached = Math.min(...messages.map((message) => message.offset));
    page.older.hidden = messages.length === 0 || reached === 1;
    page.spoken.textContent = messages.length === 0 ? 'There are no earlier messages.' : `${said.length} earlier messages shown.`;
    if (page.older.hidden) find('scroller').focus({ preventScroll: true });
  } catch (error) {
    page.spoken.textContent = `Earlier messages could not be had: ${error.message}.`;
  } finally {
    page.older.disabled = false;
  }
}

function showState(state) {
  page.state.textContent = state.text;
  document.body.dataset.state = state.name;
  page.retry.hidden = state.name !== 'waiting';
  // The seconds counted down are not spoken, only that the state changed.
  const spoken = state.name === 'waiting' ? `disconnected: ${state.why}; reconnecting` : state.text;
  if (page.spoken.textContent !== spoken) page.spoken.textContent = spoken;
}

// showPlace shows which room one is in, or that one is in none.
function showPlace() {
  page.leave.disabled = page.message.disabled = page.send.disabled = room === null;
  page.join.textContent = room ? 'Change' : 'Join';
  page.message.placeholder = room ? `Write to ${room.name}` : 'Join a room to write';
  page.title.textContent = room ? room.name : 'No room joined';
  page.empty.hidden = room !== null || log.oldest !== null;
  if (!room) {
    people.follow(null);
    page.older.hidden = true;
  }
  showTitle();
}

function showTitle() {
  document.title = `${sinceHidden > 0 ? `(${sinceHidden}) ` : ''}${room ? `${room.name} · ` : ''}Rookery`;
}

function complain(text) {
  page.problem.textContent = text;
  page.problem.hidden = text === '';
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

// openMenu shows or hides room and people where the screen is too narrow for all at once.
function openMenu(open) {
  page.menu.setAttribute('aria-expanded', String(open));
  document.body.classList.toggle('menu-open', open);
}

// Storage may be forbidden; the page then forgets.
function recall(key, storage = localStorageOrNone()) {
  return storage?.getItem(`rookery.${key}`) ?? '';
}

function remember(key, value, storage = localStorageOrNone()) {
  try {
    storage?.setItem(`rookery.${key}`, value);
  } catch {
    // full, or forbidden
  }
}

function localStorageOrNone() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

function sessionStorageOrNone() {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

start();
