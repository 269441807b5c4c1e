// How values from the wire read on the page. Everything here is text, never markup.

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const dayAndClock = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

// textOf is a string as it is, and anything else as JSON.
export function textOf(value) {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value);
}

export function nameOf(nickname) {
  return textOf(nickname) || 'unnamed';
}

// timeOf gives what to show, a machine's form, and the full date. A time in any other form than
// the gateway's own, such as a tutorial client's, is shown as it came.
export function timeOf(time, now = new Date()) {
  const at = typeof time === 'string' && /^\d{4}-\d\d-\d\dT/.test(time) ? new Date(time) : new Date(NaN);
  if (Number.isNaN(at.getTime())) return { short: textOf(time).slice(0, 32), machine: null, full: '' };
  const today = at.toDateString() === now.toDateString();
  return { short: (today ? clock : dayAndClock).format(at), machine: at.toISOString(), full: full.format(at) };
}

// hueOf gives a name its colour, the same on every page.
export function hueOf(name) {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) % 3600;
  return hash / 10;
}

// namesOf lists at most five names and counts the others: "ann, bob and 3 others".
export function namesOf(names, others = 0) {
  const shown = names.slice(0, 5);
  const rest = names.length - shown.length + others;
  if (rest > 0) shown.push(rest === 1 ? '1 other' : `${rest.toLocaleString()} others`);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

// element makes one with a class and a text.
export function element(tag, className, text = '') {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
