// The four drawings. Each is given numbers, fills its SVG and returns a sentence that says the same.

import { HEIGHT, WIDTH, across, add, axes, clear, extent, rounded, scale, upwards } from "./svg.js";

const HIGH = 80;
const MID = 50;

export function drawGrid(svg, network, loads, flows) {
  clear(svg);
  const x = scale([0, 1], [40, WIDTH - 40]);
  const y = scale([0, 1], [HEIGHT - 40, 40]);
  const place = network.positions.map(([across, up]) => [x(across), y(up)]);
  const loading = flows.map(([pf, qf, pt, qt], branch) =>
    (100 * Math.max(Math.hypot(pf, qf), Math.hypot(pt, qt))) / network.rate_mva[branch]);
  loading.forEach((percent, branch) => {
    const [from, to] = [network.from_bus[branch], network.to_bus[branch]];
    const kind = percent > HIGH ? "high" : percent > MID ? "mid" : "low";
    const line = add(svg, "line", {
      class: `branch ${kind}`, x1: place[from][0], y1: place[from][1], x2: place[to][0], y2: place[to][1],
    });
    add(line, "title", {}, `branch ${branch}, bus ${from} to ${to}: ${rounded(percent)} % of its rating`);
  });
  const units = new Set(network.unit_bus);
  const largest = Math.max(...loads, 1);
  const small = network.n_buses > 50 ? 0.6 : 1;
  loads.forEach((load, bus) => {
    const circle = add(svg, "circle", {
      class: units.has(bus) ? "bus unit" : "bus",
      cx: place[bus][0], cy: place[bus][1], r: small * (6 + 10 * Math.sqrt(Math.max(load, 0) / largest)),
    });
    add(circle, "title", {}, `bus ${bus}: ${rounded(load)} MW${units.has(bus) ? ", with a unit" : ""}`);
    if (network.n_buses <= 30) {
      add(svg, "text", { x: place[bus][0] + 16, y: place[bus][1] - 10 }, bus);
    }
  });
  const worst = loading.indexOf(Math.max(...loading));
  return `${network.case}: ${rounded(sum(loads))} MW of load; the busiest of ${loading.length} branches is ` +
    `${network.from_bus[worst]}–${network.to_bus[worst]} at ${rounded(loading[worst])} % of its rating.`;
}

export function drawForecast(svg, totals, predicted, told) {
  clear(svg);
  const range = padded(extent([...totals, ...predicted]));
  const [x, y] = [across([0, totals.length - 1]), upwards(range)];
  axes(svg, y, range, "MW", `${totals.length} steps of 15 min`);
  const path = (values, from) => values.map((value, at) => `${at ? "L" : "M"}${x(from + at)} ${y(value)}`).join("");
  add(svg, "path", { class: "series known", d: path(totals, 0) });
  const known = totals.length - predicted.length;
  add(svg, "path", { class: "series predicted", d: path([totals[known - 1], ...predicted], known - 1) });
  const error = 100 * sum(predicted.map((value, at) => Math.abs(value / totals[known + at] - 1))) / predicted.length;
  const verdict = told.stable ? "stable" : "UNSTABLE: it runs away";
  return `The last ${predicted.length} steps are met within ${rounded(error)} % on average; the model of order ` +
    `${told.lag_order} is ${verdict} (largest root ${told.companion_root.toFixed(3)}).`;
}

export function drawResiduals(svg, told) {
  clear(svg);
  const bars = [
    ...told.normalised_injection_residuals.map((value, bus) => ({ value, kind: "injection", name: `injection at bus ${bus}` })),
    ...told.normalised_flow_residuals.map((value, branch) => ({ value, kind: "flow", name: `flow of branch ${branch}` })),
  ];
  const reach = 1.1 * Math.max(told.residual_limit, told.largest_normalised_residual);
  const [x, y] = [across([0, bars.length]), upwards([-reach, reach])];
  axes(svg, y, [-reach, reach], "standard deviations", `${bars.length} measurements`);
  for (const limit of [-told.residual_limit, told.residual_limit]) {
    add(svg, "line", { class: "limit", x1: x(0), x2: x(bars.length), y1: y(limit), y2: y(limit) });
  }
  bars.forEach(({ value, kind, name }, at) => {
    const bad = Math.abs(value) > told.residual_limit;
    const bar = add(svg, "rect", {
      class: `bar ${bad ? "bad" : kind}`,
      x: x(at), width: Math.max(1, 0.8 * (x(1) - x(0))), y: Math.min(y(0), y(value)), height: Math.abs(y(value) - y(0)),
    });
    add(bar, "title", {}, `${name}: ${rounded(value)}`);
  });
  const test = `J = ${rounded(told.objective)} against ${rounded(told.chi2_limit)}, largest residual ` +
    `${rounded(told.largest_normalised_residual)} against ${rounded(told.residual_limit)}`;
  if (!told.bad_data) return `No bad data: ${test}.`;
  const { bus, branch } = told.suspect;
  return `Bad data: suspect is the ${bus === undefined ? `flow of branch ${branch}` : `injection at bus ${bus}`}. ${test}.`;
}

export function drawDispatch(svg, told, unitBuses) {
  clear(svg);
  const range = [0, Math.max(...told.pg_mw, 1)];
  const [x, y] = [across([0, told.pg_mw.length]), upwards(range)];
  axes(svg, y, range, "MW", `${told.pg_mw.length} units`);
  told.pg_mw.forEach((power, unit) => {
    const bar = add(svg, "rect", {
      class: "bar power", x: x(unit + 0.1), width: 0.8 * (x(1) - x(0)), y: y(power), height: y(0) - y(power),
    });
    add(bar, "title", {}, `unit at bus ${unitBuses[unit]}: ${rounded(power)} MW`);
  });
  const [cheapest, dearest] = extent(told.price_per_mwh);
  const price = dearest - cheapest < 0.005
    ? `${rounded(dearest)} $ anywhere`
    : `${rounded(cheapest)} to ${rounded(dearest)} $, depending on where`;
  return `${rounded(told.load_mw)} MW cost ${rounded(told.cost)} $/h; one MWh more costs ${price}.`;
}

export const sum = (values) => values.reduce((total, value) => total + value, 0);

function padded([low, high]) {
  const margin = 0.05 * (high - low || 1);
  return [low - margin, high + margin];
}
