import { element, hueOf, nameOf, textOf, timeOf } from './format.js';

// The page keeps this many entries; older ones are dropped while the reader is at the end, and can
// be asked for again.
const MAX_ENTRIES = 600;

// Two entries of one person within this time stand under one name.
const GROUP_MS = 5 * 60_000;

// Within this distance of the end, in CSS pixels, the reader counts as being there.
const NEAR_END = 48;

// Log shows the messages of one room in offset order, the reader's own unconfirmed ones last.
export class Log {
  #scroller;
  #list;
  #newer;
  #byOffset = new Map();
  #place = new WeakMap(); // entry -> offset; a notice has that of the message before it, an unconfirmed one Infinity
  #newest = 0;
  #atEnd = true;
  #unread = 0;
  #scrollAsked = false;
  #speakTimer = null;
  #onDropped;

  // onDropped is called when old entries were dropped and could be asked for again.
  constructor({ scroller, list, newer, onDropped }) {
    this.#onDropped = onDropped;
    this.#scroller = scroller;
    this.#list = list;
    this.#newer = newer;
    scroller.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    new ResizeObserver(() => this.#follow()).observe(scroller);
    newer.addEventListener('click', () => {
      this.toEnd();
      scroller.focus({ preventScroll: true });
    });
  }

  // oldest is the lowest offset shown, or null.
  get oldest() {
    for (const entry of this.#list.children) {
      if (entry.dataset.offset) return Number(entry.dataset.offset);
    }
    return null;
  }

  get unread() {
    return this.#unread;
  }

  clear() {
    this.#list.replaceChildren();
    this.#byOffset.clear();
    this.#newest = 0;
    this.toEnd();
  }

  // add shows a chat object; quiet keeps it from being spoken. One already shown stays as it is.
  add(message, { quiet = false } = {}) {
    if (this.#byOffset.get(message.offset)?.dataset.settled) return;
    if (quiet) this.#silence();
    const entry = this.#byOffset.get(message.offset) ?? element('li');
    this.#fill(entry, message.nickname, message.message, message.time);
    this.#put(entry, message.offset);
    entry.dataset.settled = 'yes';
    if (!this.#atEnd && !quiet) this.#unread++;
    this.#grown();
  }

  // addOlder shows messages from before the oldest without moving what is being read.
  addOlder(messages) {
    this.#silence();
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    for (const message of messages) {
      if (this.#byOffset.has(message.offset)) continue;
      const entry = element('li');
      this.#fill(entry, message.nickname, message.message, message.time);
      this.#put(entry, message.offset);
      entry.dataset.settled = 'yes';
    }
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  // addOwn shows a message that is on its way. The caller ends it with sent(offset), or with
  // failed(reason, again), where again is called when the reader asks for another try.
  addOwn(nickname, text) {
    const entry = element('li', 'own pending');
    this.#fill(entry, nickname, text, new Date().toISOString());
    const status = element('p', 'status', 'sending…');
    entry.append(status);
    this.#place.set(entry, Infinity);
    this.#list.append(entry);
    this.#group(entry);
    this.toEnd();
    return {
      sent: (offset) => {
        status.remove();
        entry.classList.remove('pending');
        if (this.#byOffset.has(offset)) entry.remove();
        else this.#put(entry, offset);
      },
      failed: (reason, again) => {
        entry.className = 'own failed';
        const retry = element('button', 'quiet', 'Send again');
        const discard = element('button', 'quiet', 'Discard');
        retry.type = discard.type = 'button';
        retry.addEventListener('click', () => {
          entry.remove();
          again();
        });
        discard.addEventListener('click', () => entry.remove());
        status.replaceChildren(element('span', '', `Not sent: ${reason}. `), retry, ' ', discard);
        this.#grown();
      },
    };
  }

  // notice adds a line of the page's own and returns it, so that it can be reworded while isLast.
  notice(text, className = '') {
    const entry = element('li', `notice ${className}`.trim(), text);
    this.#put(entry, this.#newest, false);
    this.#grown();
    return entry;
  }

  isLast(entry) {
    return entry === this.#list.lastElementChild;
  }

  // withdrawTo withdraws everything up to an offset.
  withdrawTo(to) {
    for (const offset of this.#byOffset.keys()) if (offset <= to) this.withdraw(offset);
  }

  withdraw(offset) {
    const entry = this.#byOffset.get(offset);
    if (!entry) return;
    entry.classList.add('withdrawn');
    entry.querySelector('.text').textContent = 'This message was withdrawn.';
  }

  // restart says that offsets begin anew: what is shown now stays above all that comes.
  restart() {
    this.#byOffset.clear();
    this.#newest = 0;
    for (const entry of this.#list.children) {
      if (this.#place.get(entry) !== Infinity) this.#place.set(entry, 0);
      delete entry.dataset.offset;
    }
  }

  toEnd() {
    this.#atEnd = true;
    this.#unread = 0;
    this.#showNewer();
    this.#follow();
  }

  #fill(entry, nickname, message, time) {
    const name = nameOf(nickname);
    const { short, machine, full } = timeOf(time);
    const head = element('p', 'head');
    const who = element('bdi', 'name', name);
    who.style.setProperty('--hue', hueOf(name).toFixed(0));
    const when = element('time', 'time', short);
    if (machine) when.dateTime = machine;
    when.title = full;
    head.append(who, ' ', when);
    const text = element('p', 'text', textOf(message));
    text.dir = 'auto';
    entry.replaceChildren(head, text);
    entry.dataset.name = name;
    entry.dataset.at = machine ? Date.parse(machine) : '';
  }

  // #put moves the entry to its offset's place, searched from the end, where nearly all belong.
  #put(entry, offset, indexed = true) {
    this.#place.set(entry, offset);
    if (indexed) {
      entry.dataset.offset = offset;
      this.#byOffset.set(offset, entry);
      this.#newest = Math.max(this.#newest, offset);
    }
    let before = this.#list.lastElementChild;
    while (before && (before === entry || this.#place.get(before) > offset)) before = before.previousElementSibling;
    const next = before ? before.nextElementSibling : this.#list.firstElementChild;
    if (next !== entry) this.#list.insertBefore(entry, next);
    this.#group(entry);
    if (entry.nextElementSibling) this.#group(entry.nextElementSibling);
  }

  // #group hides a name that would stand directly below itself; it is still read aloud.
  #group(entry) {
    const above = entry.previousElementSibling;
    const same = above?.dataset.name !== undefined && above.dataset.name === entry.dataset.name
      && Math.abs(entry.dataset.at - above.dataset.at) < GROUP_MS;
    entry.classList.toggle('same', same);
  }

  // #grown keeps the reader at the end, or tells how much is new below.
  #grown() {
    if (!this.#atEnd) {
      this.#showNewer();
      return;
    }
    if (this.#list.childElementCount > MAX_ENTRIES) {
      while (this.#list.childElementCount > MAX_ENTRIES - 100) {
        const first = this.#list.firstElementChild;
        this.#byOffset.delete(Number(first.dataset.offset));
        first.remove();
      }
      this.#onDropped();
    }
    this.#follow();
  }

  #follow() {
    if (!this.#atEnd || this.#scrollAsked) return;
    this.#scrollAsked = true;
    requestAnimationFrame(() => {
      this.#scrollAsked = false;
      if (this.#atEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    });
  }

  #onScroll() {
    if (this.#scrollAsked) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#atEnd) this.#unread = 0;
    this.#showNewer();
  }

  #showNewer() {
    this.#newer.hidden = this.#atEnd || this.#unread === 0;
    this.#newer.textContent = this.#unread === 1 ? '1 new message' : `${this.#unread.toLocaleString()} new messages`;
  }

  // #silence keeps a screen reader from reading out past messages as they are put in.
  #silence() {
    this.#list.setAttribute('aria-live', 'off');
    clearTimeout(this.#speakTimer);
    this.#speakTimer = setTimeout(() => this.#list.setAttribute('aria-live', 'polite'), 1000);
  }
}
