// Drawing in SVG: elements, and scales from numbers to the page.

export const WIDTH = 800;
export const HEIGHT = 500;
export const MARGIN = { left: 84, right: 14, top: 52, bottom: 44 };

export function clear(svg) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.replaceChildren();
}

export function add(parent, name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text; // never markup, whatever the service says
  parent.append(element);
  return element;
}

export function scale(from, to) {
  const span = from[1] - from[0] || 1;
  return (value) => to[0] + ((value - from[0]) / span) * (to[1] - to[0]);
}

export function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

export const across = (from) => scale(from, [MARGIN.left, WIDTH - MARGIN.right]);
export const upwards = (from) => scale(from, [HEIGHT - MARGIN.bottom, MARGIN.top]);

// Horizontal lines with their values, and what the axes mean.
export function axes(svg, y, [low, high], yName, xName) {
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const value = low + share * (high - low);
    add(svg, "line", { class: "axis", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value) });
    add(svg, "text", { x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, rounded(value, 4));
  }
  add(svg, "text", { x: 4, y: 22 }, yName);
  add(svg, "text", { x: WIDTH - MARGIN.right, y: HEIGHT - 10, "text-anchor": "end" }, xName);
}

export function rounded(value, digitsOfThousands = 5) {
  return Number(value.toPrecision(Math.abs(value) >= 1000 ? digitsOfThousands : 3)).toLocaleString("en");
}
