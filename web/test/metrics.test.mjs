import test from 'node:test';
import assert from 'node:assert/strict';
import { parseMetrics, total } from '../static/metrics.js';

const TEXT = String.raw`# HELP rookery_closed_total Ended connections.
# TYPE rookery_closed_total counter
rookery_closed_total{cause="slow_consumer"} 3
rookery_closed_total{cause="draining",node="a\"b\\c\nd, e={}"} 4 1700000000000
rookery_connections 1.2e+04
rookery_room_bytes NaN
go_info{version="go1.26"} 1
up +Inf
a line that is no sample
`;

test('reads samples, labels and escapes', () => {
  const families = parseMetrics(TEXT);
  assert.deepEqual([...families.keys()], ['rookery_closed_total', 'rookery_connections', 'go_info', 'up']);
  assert.deepEqual(families.get('rookery_closed_total')[1], { labels: { cause: 'draining', node: 'a"b\\c\nd, e={}' }, value: 4 });
  assert.equal(families.get('up')[0].value, Infinity);
});

test('adds samples, all or those with a label, and tells absence from zero', () => {
  const families = parseMetrics(TEXT);
  assert.equal(total(families, 'rookery_closed_total'), 7);
  assert.equal(total(families, 'rookery_closed_total', { cause: 'slow_consumer' }), 3);
  assert.equal(total(families, 'rookery_closed_total', { cause: 'none' }), null);
  assert.equal(total(families, 'rookery_connections'), 12_000);
  assert.equal(total(families, 'rookery_gaps_total'), null);
  assert.equal(parseMetrics('').size, 0);
});
