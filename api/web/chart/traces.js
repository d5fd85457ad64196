// Readings as the chart wants them: for each sensor, columns of lowest, highest and last. Nothing is averaged.

/**
 * The traces of a history asked for with `max_points`: by sensor, `{sensor, at, low, high, last, readings}` for `temperature_c`
 * and `humidity_pct`. Where neighbours are further apart than `gap` ms a column of nulls stands between them.
 */
export function traces(items, gap) {
  const sensors = new Map();
  for (const item of items) {
    const trace = sensors.get(item.sensor) ?? { sensor: item.sensor, columns: [] };
    trace.columns.push({ first: Date.parse(item.first_at), last: Date.parse(item.last_at), item });
    sensors.set(item.sensor, trace);
  }
  const sorted = [...sensors.values()].sort((one, other) => one.sensor.localeCompare(other.sensor));
  for (const { columns } of sorted) columns.sort((one, other) => one.last - other.last);
  return {
    temperature: sorted.map((trace) => quantity(trace, "temperature_c", gap)).filter(Boolean),
    humidity: sorted.map((trace) => quantity(trace, "humidity_pct", gap)).filter(Boolean),
  };
}

function quantity({ sensor, columns }, name, gap) {
  const trace = { sensor, at: [], low: [], high: [], last: [], readings: [], single: true };
  let before = null;
  for (const { first, last, item } of columns) {
    const { min, max, last: value } = item[name];
    if (min === null) continue;
    if (before !== null && first - before > gap) push(trace, before + 1, null, null, null, 0);
    push(trace, last, min, max, value, item.readings);
    if (item.readings > 1) trace.single = false;
    before = last;
  }
  return before === null ? null : trace;
}

function push(trace, at, low, high, last, readings) {
  trace.at.push(at);
  trace.low.push(low);
  trace.high.push(high);
  trace.last.push(last);
  trace.readings.push(readings);
}

/** What a trace has nearest to an instant, at most `within` ms away; null without. */
export function nearest(trace, at, within) {
  let [low, high] = [0, trace.at.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (trace.at[middle] < at) low = middle + 1;
    else high = middle;
  }
  let best = null;
  for (const index of [low - 2, low - 1, low, low + 1]) {
    if (trace.low[index] === null || trace.low[index] === undefined) continue;
    const away = Math.abs(trace.at[index] - at);
    if (away <= within && (best === null || away < Math.abs(trace.at[best] - at))) best = index;
  }
  return best === null ? null : { at: trace.at[best], low: trace.low[best], high: trace.high[best], last: trace.last[best], readings: trace.readings[best] };
}
