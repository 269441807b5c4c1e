// parseMetrics reads the Prometheus text format: name -> [{labels, value}]. Lines it cannot read
// are passed over.
export function parseMetrics(text) {
  const families = new Map();
  for (const line of text.split('\n')) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/.exec(line);
    if (!found) continue;
    const value = numberOf(found[3]);
    if (value === null) continue;
    if (!families.has(found[1])) families.set(found[1], []);
    families.get(found[1]).push({ labels: labelsOf(found[2] ?? ''), value });
  }
  return families;
}

// total adds the samples of a name whose labels include those given; null if there are none.
export function total(families, name, labels = {}) {
  const fitting = (families.get(name) ?? []).filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
  if (fitting.length === 0) return null;
  return fitting.reduce((sum, sample) => sum + sample.value, 0);
}

function labelsOf(text) {
  const labels = {};
  for (const [, key, value] of text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[key] = value.replace(/\\(.)/g, (_, letter) => (letter === 'n' ? '\n' : letter));
  }
  return labels;
}

function numberOf(text) {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}
