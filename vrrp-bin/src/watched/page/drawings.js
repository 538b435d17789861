// The bars and lines. Each is drawn anew from numbers; what is a text goes through `put`.

import { duration, pieces } from "./words.js";

/** Seconds that a bar spans, and a line at most. */
export const SPAN = 15 * 60;
const LEAST = 60;
const HEIGHTS = { active: 10, backup: 5, away: 1.5 };

function drawn(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function prepare(svg, width) {
  svg.setAttribute("viewBox", `0 0 ${width} 10`);
  svg.setAttribute("preserveAspectRatio", "none");
}

/** The states of a virtual router, now at the right end. */
export function drawLane(svg, router, now) {
  prepare(svg, 1000);
  const bar = ({ from, to, state }) => {
    const height = HEIGHTS[state];
    return drawn("rect", { x: 1000 * from, width: Math.max(1000 * (to - from), 1.5), y: 10 - height, height, class: state });
  };
  svg.replaceChildren(...pieces(router, now, SPAN).map(bar));
}

/** A line through points `[moment, seconds]`, now at the right end, and what it says in words. */
export function drawLine(figure, points, what, now) {
  figure.hidden = points.length < 2;
  if (figure.hidden) return;
  const svg = figure.querySelector("svg");
  const span = Math.min(Math.max((now - points[0][0]) / 1000, LEAST), SPAN);
  const known = points.filter(([moment]) => now - moment <= span * 1000);
  const most = Math.max(...known.map(([, value]) => value));
  prepare(svg, span);
  const top = Math.max(most, 1e-6);
  const at = ([moment, value]) => `${(span - (now - moment) / 1000).toFixed(2)},${(9.8 - (9.3 * value) / top).toFixed(2)}`;
  svg.replaceChildren(drawn("polyline", { points: known.map(at).join(" ") }));
  const last = known.at(-1)[1];
  const text = `${what}: ${duration(last)} now, ${duration(most)} at most (the top) in the last ${duration(span)}`;
  svg.setAttribute("aria-label", text);
  put(figure.querySelector("figcaption"), text);
}

/** Writes a text, if it is another one: what somebody has marked stays marked. */
export function put(element, text) {
  const node = element.firstChild;
  if (node && node === element.lastChild && node.nodeType === Node.TEXT_NODE) {
    if (node.data !== text) node.data = text;
  } else if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** Makes `list` have an element for each text. */
export function lines(list, texts, tag = "li") {
  while (list.children.length > texts.length) list.lastElementChild.remove();
  texts.forEach((text, at) => {
    const there = list.children[at] || list.appendChild(document.createElement(tag));
    put(there, text);
  });
}

/** The same for pairs of a label and a text, in a `dl`. */
export function pairs(list, all) {
  while (list.children.length > 2 * all.length) list.lastElementChild.remove();
  all.forEach(([label, text], at) => {
    const dt = list.children[2 * at] || list.appendChild(document.createElement("dt"));
    const dd = list.children[2 * at + 1] || list.appendChild(document.createElement("dd"));
    put(dt, label);
    put(dd, text);
  });
}
