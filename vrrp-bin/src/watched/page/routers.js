// The list of virtual routers. Of a thousand, only what has changed is written, and only what is in view is drawn.

import { drawLane, drawLine, lines, pairs, put } from "./drawings.js";
import { age, clock, facts, kind, matches, nodes, place, stateWord, transition } from "./words.js";

/** How many points of jitter are kept of each. */
const POINTS = 900;
const KINDS = [
  ["all", "", "in all"], ["active", "▲ ", "active"], ["backup", "◆ ", "backup"], ["away", "○ ", "not taking part"], ["wrong", "✕ ", "with something wrong"],
];

const byId = (id) => document.getElementById(id);
const cards = new Map(); // by name
let order = []; // of the names, as the daemon tells them
const chosen = { kind: "all", filter: "" };
let now = () => Date.now();

const inView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const card = cards.get(entry.target.dataset.name);
    if (!card) continue;
    card.inView = entry.isIntersecting;
    if (card.inView) drawCard(card);
  }
}, { rootMargin: "200px" });

/** Prepares what chooses among them. `clockOfNode` gives the time that the daemon has. */
export function start(clockOfNode) {
  now = clockOfNode;
  for (const [name] of KINDS) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.kind = name;
    button.addEventListener("click", () => { chosen.kind = name; choose(); });
    byId("kinds").append(button);
  }
  byId("filter").addEventListener("input", (event) => { chosen.filter = event.target.value; choose(); });
}

/** What is known of a jitter is of another process now. */
export function forget() {
  for (const card of cards.values()) card.jitter = [];
}

/** Takes over what the daemon told: `wrong` has the sentences of each by its name. Returns who has another state. */
export function update(routers, wrong) {
  order = routers.map((router) => router.name);
  const names = new Set(order);
  for (const [name, card] of cards) {
    if (names.has(name)) continue;
    inView.unobserve(card.element);
    card.element.remove();
    cards.delete(name);
  }
  const moved = routers.filter((router) => take(router, wrong[router.name] || []));
  if (routers.length === 1 && !cards.get(routers[0].name).wasOpened) open(cards.get(routers[0].name));
  return moved;
}

function take(router, sentences) {
  const card = cards.get(router.name) || make(router.name);
  const hasMoved = card.router && (card.router.phase !== router.phase || card.router.hold !== router.hold);
  if (card.router?.since !== router.since) card.began = Date.parse(router.since);
  card.router = router;
  card.sentences = sentences;
  const active = router.peers_heard.find((peer) => peer.active);
  if (active && active.jitter_seconds !== null) {
    card.jitter.push([now(), active.jitter_seconds]);
    if (card.jitter.length > POINTS) card.jitter.shift();
  }
  if (hasMoved) card.moved = true;
  return hasMoved;
}

function make(name) {
  const element = byId("router").content.firstElementChild.cloneNode(true);
  element.dataset.name = name;
  const part = (selector) => element.querySelector(selector);
  const card = {
    element, jitter: [], sentences: [], inView: false,
    details: part("details"), state: part(".state"), name: part(".name"), addresses: part(".addresses"), since: part(".since"),
    why: part(".why"), lane: part(".lane"),
  };
  card.details.addEventListener("toggle", () => { card.wasOpened = true; drawCard(card); });
  element.addEventListener("animationend", () => element.classList.remove("moved"));
  cards.set(name, card);
  inView.observe(element);
  return card;
}

function open(card) {
  card.wasOpened = true;
  card.details.open = true;
}

/** Writes what is known now. */
export function show() {
  let place = byId("list").firstElementChild;
  for (const card of order.map((name) => cards.get(name))) {
    if (card.element === place) place = place.nextElementSibling;
    else byId("list").insertBefore(card.element, place);
    showCard(card);
  }
  choose();
}

function showCard(card) {
  const { router, element } = card;
  const shown = kind(router);
  if (card.shown !== shown) {
    element.classList.remove(`is-${card.shown}`);
    element.classList.add(`is-${shown}`);
    card.shown = shown;
  }
  if (card.moved) element.classList.add("moved");
  card.moved = false;
  put(card.state, stateWord(router));
  put(card.name, router.name);
  put(card.addresses, place(router));
  const more = card.sentences.length;
  put(card.why, more ? `${router.why}. Wrong: ${card.sentences[0]}${more > 1 ? ` (and ${more - 1} more)` : ""}` : router.why);
  showTime(card);
}

/** Writes what another second has changed. */
export function tick() {
  for (const card of cards.values()) showTime(card);
}

function showTime(card) {
  put(card.since, `for ${age((now() - card.began) / 1000)}`);
  if (card.inView) drawCard(card);
}

function drawCard(card) {
  const { router, element } = card;
  const moment = now();
  drawLane(card.lane, router, moment);
  if (!card.details.open) return;
  lines(element.querySelector(".sentences"), card.sentences);
  pairs(element.querySelector("dl"), facts(router, moment));
  drawLine(element.querySelector(".jitter"), card.jitter, "Jitter of the advertisements of the active node", moment);
  lines(element.querySelector(".peers"), nodes(router));
  lines(element.querySelector(".transitions"), router.transitions.map((step) => `${clock(step.at, moment)} ${transition(step)}`));
}

const kindsOf = (card) => [
  "all", card.router.state === "initialize" ? "away" : card.router.state, ...(card.sentences.length ? ["wrong"] : []),
];

/** Shows those that are asked for, and how many there are of each kind. */
function choose() {
  const counts = new Map(KINDS.map(([name]) => [name, 0]));
  let seen = 0;
  for (const card of cards.values()) {
    const kinds = kindsOf(card);
    for (const name of kinds) counts.set(name, counts.get(name) + 1);
    const hidden = !kinds.includes(chosen.kind) || (chosen.filter !== "" && !matches(card.router, chosen.filter));
    if (card.element.hidden !== hidden) card.element.hidden = hidden;
    if (!hidden) seen += 1;
  }
  byId("none").hidden = seen > 0 || cards.size === 0;
  byId("tools").hidden = cards.size < 2;
  KINDS.forEach(([name, mark, word], at) => {
    const button = byId("kinds").children[at];
    put(button, `${mark}${counts.get(name)} ${word}`);
    button.setAttribute("aria-pressed", String(chosen.kind === name));
  });
}
