// Follows the daemon, and shows what it tells. Whatever a peer or a script said is put in as text, never as markup.

import { drawLine, lines, put } from "./drawings.js";
import * as routers from "./routers.js";
import { age, check, clock, duration, elsewhere, stateOf, stateWord, transition, verdict } from "./words.js";

/** Lines of what happened, and of what is wrong. */
const HAPPENED = 100;
const WRONG = 12;
/** The daemon says something every ten seconds at least. */
const SILENCE = 25_000;
/** How long until a connection that was refused is tried again. */
const AGAIN = 3_000;
const POINTS = 900;

const byId = (id) => document.getElementById(id);
/** What was told last: by the daemon, and when by this browser's clock. */
const told = { node: null, status: null, wrong: {}, ahead: 0, heard: null, since: Date.now() };
const entries = []; // of what happened, the latest first
const known = new Map(); // when the last transition was that stands there, by name
const lateness = { points: [], before: null };
let live = null;
let tried = 0; // when it was connected last, or that was tried
let isLost = false;
let isPlanned = false;

/** The time that the daemon has. */
const now = () => Date.now() + told.ahead;

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// What happened.

function note(moment, text, className) {
  const at = entries.findIndex((entry) => entry.moment <= moment);
  entries.splice(at < 0 ? entries.length : at, 0, { moment, text, className, element: null });
  entries.length = Math.min(entries.length, HAPPENED);
}

function noteTransitions(router) {
  const [latest] = router.transitions;
  const before = known.get(router.name);
  if (!latest || latest.at === before) return;
  known.set(router.name, latest.at);
  const fresh = router.transitions.filter((step) => !before || Date.parse(step.at) > Date.parse(before));
  for (const step of fresh) note(Date.parse(step.at), `${router.name}: ${transition(step)}`, `to-${stateOf(step.to)}`);
}

function happened(event) {
  // Transitions are in the status, which says why in a sentence.
  if (event.event !== "transition") note(Date.parse(event.time), event.sentence, event.event === "lagged" ? "bad" : "");
  plan();
}

function showPast() {
  const section = byId("past");
  section.hidden = false;
  section.querySelector("p").hidden = entries.length > 0;
  const moment = now();
  for (const entry of entries) {
    if (!entry.element) {
      entry.element = element("li", "", entry.className);
      const time = element("time");
      time.dateTime = new Date(entry.moment).toISOString();
      entry.element.append(time, entry.text);
    }
    put(entry.element.firstChild, clock(entry.moment, moment));
  }
  const list = section.querySelector("ol");
  const wanted = entries.map((entry) => entry.element);
  if (wanted.length !== list.children.length || wanted.some((there, at) => there !== list.children[at])) list.replaceChildren(...wanted);
}

// What the daemon tells.

function tookNode(node) {
  const isAnother = told.node && told.node.started !== node.started;
  if (isAnother) {
    routers.forget();
    Object.assign(lateness, { points: [], before: null });
    note(Date.parse(node.started), `The daemon was started anew (version ${node.version}).`, "");
  }
  told.node = node;
}

function tookStatus({ at, wrong, status }) {
  told.ahead = Date.parse(at) - Date.now();
  Object.assign(told, { status, wrong, heard: Date.now() });
  connected();
  const moved = routers.update(status.virtual_routers, wrong);
  status.virtual_routers.forEach(noteTransitions);
  if (status.lateness) noteLateness(status.lateness);
  if (moved.length) speak(moved);
  plan();
}

/** For whoever does not see the page. */
function speak(moved) {
  const said = moved.slice(0, 3).map((router) => `${router.name} is ${stateWord(router)}: ${router.why}.`);
  if (moved.length > 3) said.push(`${moved.length - 3} more have another state.`);
  put(byId("spoken"), said.join(" "));
}

function noteLateness(found) {
  const { before, points } = lateness;
  lateness.before = found;
  if (!before || found.count <= before.count) return;
  points.push([now(), (found.total_seconds - before.total_seconds) / (found.count - before.count)]);
  if (points.length > POINTS) points.shift();
}

// What is shown. At most once for each frame, and not while nobody looks.

function plan() {
  if (isPlanned) return;
  isPlanned = true;
  requestAnimationFrame(() => { isPlanned = false; show(); });
}

function show() {
  const { node, status } = told;
  showConnection();
  if (!status) return;
  const where = node?.host ? ` on ${node.host}` : "";
  put(byId("host"), where);
  const count = status.virtual_routers.length;
  byId("empty").hidden = count > 0;
  byId("routers").hidden = count === 0;
  const isSplit = showSplit(status);
  const isWrong = showWrong(status);
  routers.show();
  showLateness(status.lateness);
  showTimes();
  const mark = isLost ? "? " : isSplit ? "SPLIT BRAIN: " : isWrong ? "✕ " : "";
  document.title = `${mark}vrrp${where}`;
}

/** What another second changes. */
function showTimes() {
  const { node, status } = told;
  const started = node ? Date.parse(node.started) : NaN;
  put(byId("node"), `version ${status.version}${node ? `, started ${clock(started, now())}, ${age((now() - started) / 1000)} ago` : ""}`);
  showChecks(status.checks);
  showPast();
}

function showSplit(status) {
  const found = status.virtual_routers.map((router) => ({ router, ...verdict(router) })).filter(({ level }) => level);
  const certain = found.filter(({ level }) => level === "certain");
  const shown = certain.length ? certain : found;
  const section = byId("split");
  section.classList.toggle("certain", certain.length > 0);
  if (shown.length === 0) { section.hidden = true; section.replaceChildren(); return false; }
  if (!section.firstChild) section.append(element("h2"), element("ul"));
  const title = certain.length
    ? `Split brain: another host holds ${certain.length === 1 ? `the addresses of ${certain[0].router.name}` : `addresses of ${certain.length} virtual routers`}, too`
    : "Perhaps a split brain: another node may be active, too";
  put(section.firstChild, title);
  lines(section.lastChild, shown.flatMap(({ router, sentences }) => sentences.map((sentence) => `${router.name} (${place(router)}): ${sentence}`)).slice(0, WRONG));
  section.hidden = false;
  return certain.length > 0;
}

const place = (router) => router.addresses.slice(0, 2).join(", ");

function showWrong(status) {
  const toldAbove = (router, sentence) => verdict(router).sentences.includes(sentence);
  const all = status.virtual_routers.flatMap((router) => (told.wrong[router.name] || [])
    .filter((sentence) => !toldAbove(router, sentence)).map((sentence) => `${router.name}: ${sentence}`));
  all.push(...elsewhere(status, now()));
  const section = byId("wrong");
  section.hidden = all.length === 0;
  lines(section.querySelector("ul"), all.slice(0, WRONG));
  const more = section.querySelector(".more");
  more.hidden = all.length <= WRONG;
  put(more, `And ${all.length - WRONG} more: choose “with something wrong” below.`);
  return all.length > 0;
}

function showChecks(checks) {
  byId("checks").hidden = checks.length === 0;
  const list = byId("checks").querySelector("ul");
  lines(list, checks.map((found) => check(found, now())));
  checks.forEach((found, at) => { list.children[at].className = found.state; });
}

function showLateness(found) {
  byId("lateness").hidden = !found || found.count === 0;
  if (byId("lateness").hidden) return;
  drawLine(byId("lateness").querySelector("figure"), lateness.points, "From when an advertisement was due until it left, on average", now());
  const share = (count) => `${((100 * count) / found.count).toFixed(count === found.count ? 0 : 2)} %`;
  const rows = found.buckets.filter(({ count }) => count > 0).map(({ up_to_seconds, count }) => `within ${duration(up_to_seconds)}: ${count} of ${found.count}, ${share(count)}`);
  if (found.beyond) rows.push(`later than that: ${found.beyond} of ${found.count}, ${share(found.beyond)}`);
  lines(byId("lateness").querySelector("ul"), rows);
}

// The connection.

function connected() {
  if (isLost) note(now(), "This page hears the daemon again.", "");
  isLost = false;
}

function lose() {
  if (isLost) return;
  isLost = true;
  told.since = told.heard ?? told.since;
  if (told.heard) note(now(), "This page does not hear the daemon any more.", "bad");
  plan();
}

function showConnection() {
  document.body.classList.toggle("lost", isLost);
  document.body.classList.toggle("waiting", !isLost && told.heard === null);
  put(byId("link"), isLost ? "no connection" : told.heard === null ? "connecting …" : "live");
  put(byId("moment"), isLost || told.heard === null ? "" : clock(now(), now()));
  const box = byId("lost");
  if (!isLost) { box.hidden = true; box.replaceChildren(); return; }
  if (!box.firstChild) {
    box.append(element("h2"), element("p"), element("p"));
    // It is another text each second, which nobody wants to hear.
    box.lastChild.ariaHidden = "true";
  }
  const [heading, since, then] = box.children;
  const ago = age((Date.now() - told.since) / 1000);
  put(heading, told.heard === null ? "The daemon was not heard yet" : "The daemon is not heard any more");
  put(since, told.heard === null
    ? `There has been no answer since ${clock(told.since, Date.now())}; trying again.`
    : `Not heard from since ${clock(told.since, Date.now())}; trying again. What stands below is how it was then. It may be otherwise now.`);
  put(then, `That was ${ago} ago.`);
  box.hidden = false;
}

function follow() {
  live?.close();
  tried = Date.now();
  live = new EventSource("live");
  live.addEventListener("node", (message) => tookNode(JSON.parse(message.data)));
  live.addEventListener("status", (message) => tookStatus(JSON.parse(message.data)));
  live.addEventListener("happened", (message) => happened(JSON.parse(message.data)));
  live.onerror = () => {
    lose();
    // A browser tries again by itself, unless it got an answer that it does not understand.
    if (live.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN);
  };
}

function tick() {
  if (Date.now() - Math.max(tried, told.heard ?? 0) > SILENCE) {
    lose();
    follow();
  }
  if (document.hidden) return;
  showConnection();
  if (!told.status || isLost) return;
  showTimes();
  routers.tick();
}

routers.start(now);
follow();
setInterval(tick, 1000);
