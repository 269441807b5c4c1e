import { parseMetrics, total } from './metrics.js';
import { element } from './format.js';

// What is shown, in this order. A rate is the difference of a counter over the time between two
// readings; the other numbers are shown as they are.
const NUMBERS = [
  { label: 'Connections', metric: 'rookery_connections' },
  { label: 'Rooms', metric: 'rookery_rooms' },
  { label: 'Messages received per second', metric: 'rookery_messages_received_total', rate: true },
  { label: 'Publications per second', metric: 'rookery_publications_total', rate: true },
  { label: 'Deliveries per second', metric: 'rookery_deliveries_total', rate: true },
  { label: 'Members stalled now', metric: 'rookery_stalled_members' },
  { label: 'Closed as slow consumers', metric: 'rookery_closed_total', labels: { cause: 'slow_consumer' } },
  { label: 'Gaps', metric: 'rookery_gaps_total' },
  { label: 'Room logs', metric: 'rookery_log_bytes', unit: 'bytes' },
  { label: 'Memory (resident)', metric: 'process_resident_memory_bytes', unit: 'bytes' },
  { label: 'Memory (Go heap)', metric: 'go_memstats_heap_alloc_bytes', unit: 'bytes' },
  { label: 'Goroutines', metric: 'go_goroutines' },
  { label: 'CPU cores busy', metric: 'process_cpu_seconds_total', rate: true, unit: 'cores' },
  { label: 'Open descriptors', metric: 'process_open_fds' },
];
const CAUSES = 'rookery_closed_total';

const PERIOD_MS = 2000;
const POINTS = 60;
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 240;
const HEIGHT = 40;

// Tile is one number with its recent course.
class Tile {
  #number;
  #points = [];
  #previous = null; // the last reading of a counter: {at, value}

  constructor(number) {
    this.#number = number;
    this.root = element('div', 'tile');
    this.root.setAttribute('role', 'listitem');
    this.value = element('p', 'value', '…');
    this.area = document.createElementNS(SVG, 'path');
    this.line = document.createElementNS(SVG, 'path');
    this.area.classList.add('area');
    const spark = document.createElementNS(SVG, 'svg');
    spark.classList.add('spark');
    spark.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    spark.setAttribute('preserveAspectRatio', 'none');
    spark.setAttribute('aria-hidden', 'true');
    spark.append(this.area, this.line);
    this.root.append(element('p', 'label', number.label), this.value, spark);
    this.root.title = number.metric;
  }

  // take shows one reading, made at a time in milliseconds.
  take(families, at) {
    const read = total(families, this.#number.metric, this.#number.labels);
    // A counter with labels shows nothing before its first event; only a missing family is absent.
    const value = read ?? (this.#number.labels && families.has(this.#number.metric) ? 0 : null);
    this.root.classList.toggle('absent', value === null);
    if (value === null) {
      this.#previous = null;
      this.value.textContent = 'not offered by this server';
      this.#add(null);
      return;
    }
    this.#add(this.#number.rate ? this.#rate(value, at) : value);
    const shown = this.#points.at(-1);
    this.value.textContent = shown === null ? '…' : worded(shown, this.#number.unit);
  }

  // #rate is null until there are two readings, and where a counter fell because the server restarted.
  #rate(value, at) {
    const previous = this.#previous;
    this.#previous = { at, value };
    if (!previous || value < previous.value || at <= previous.at) return null;
    return ((value - previous.value) * 1000) / (at - previous.at);
  }

  #add(point) {
    this.#points.push(point);
    if (this.#points.length > POINTS) this.#points.shift();
    const { line, area } = course(this.#points);
    this.line.setAttribute('d', line);
    this.area.setAttribute('d', area);
  }
}

// course draws the points from the right edge leftwards, on a scale from 0 to the highest; the line
// breaks where there is no point.
function course(points) {
  const top = Math.max(1e-9, ...points.filter((point) => point !== null));
  const step = WIDTH / (POINTS - 1);
  let line = '';
  let area = '';
  let down = false;
  points.forEach((point, i) => {
    const x = (WIDTH - (points.length - 1 - i) * step).toFixed(1);
    if (point === null) {
      if (down) area += `V${HEIGHT}Z`;
      down = false;
      return;
    }
    const y = (HEIGHT - 2 - (point / top) * (HEIGHT - 6)).toFixed(1);
    line += `${down ? 'L' : 'M'}${x} ${y}`;
    area += `${down ? 'L' : `M${x} ${HEIGHT}L`}${x} ${y}`;
    down = true;
  });
  return { line, area: down ? `${area}V${HEIGHT}Z` : area };
}

function worded(value, unit) {
  if (unit === 'bytes') return `${(value / 2 ** 20).toLocaleString(undefined, { maximumFractionDigits: 1 })} MiB`;
  if (unit === 'cores') return value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  return value.toLocaleString(undefined, { maximumFractionDigits: value < 100 ? 1 : 0 });
}

function showCauses(families) {
  const samples = (families.get(CAUSES) ?? []).filter((sample) => sample.value > 0).sort((a, b) => b.value - a.value);
  const rows = samples.map(({ labels, value }) => row((labels.cause ?? 'all causes').replaceAll('_', ' '), value.toLocaleString()));
  const none = families.has(CAUSES) ? 'none so far' : 'not offered by this server';
  document.getElementById('causes').replaceChildren(...(rows.length > 0 ? rows : [row(none, '')]));
}

function row(name, figure) {
  const made = element('tr');
  made.append(element('td', '', name), element('td', 'figure', figure));
  return made;
}

function showState(name, text) {
  document.body.dataset.state = name;
  const state = document.getElementById('state');
  if (state.textContent !== text) state.textContent = text;
}

async function read(tiles) {
  try {
    const answer = await fetch('metrics', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const families = parseMetrics(await answer.text());
    const at = performance.now();
    for (const tile of tiles) tile.take(families, at);
    showCauses(families);
    showState('connected', 'live');
  } catch (error) {
    showState('waiting', `no numbers: ${error.message}; trying again`);
  }
  setTimeout(() => read(tiles), PERIOD_MS);
}

const tiles = NUMBERS.map((number) => new Tile(number));
document.getElementById('tiles').append(...tiles.map((tile) => tile.root));
read(tiles);
