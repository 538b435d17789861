// What the page says: functions from what the daemon told to words. None of them touches the page.

/** A time span in words, coarser the longer it is. */
export function duration(seconds) {
  const past = Math.max(seconds, 0);
  if (past === 0) return "0 s";
  if (past < 0.001) return `${Math.round(past * 1e6)} µs`;
  if (past < 1) return `${Number((past * 1000).toPrecision(3))} ms`;
  if (past < 10) return `${past.toFixed(1)} s`;
  if (past < 120) return `${Math.floor(past)} s`;
  if (past < 7200) return `${Math.floor(past / 60)} min`;
  if (past < 172800) return `${Math.floor(past / 3600)} h`;
  return `${Math.floor(past / 86400)} d`;
}

/** The same in whole seconds: what is shown beside a clock that ticks. */
export function age(seconds) {
  return seconds < 120 ? `${Math.max(Math.floor(seconds), 0)} s` : duration(seconds);
}

const two = (number) => String(number).padStart(2, "0");

/** The time of day; with the date, unless that is today's. */
export function clock(moment, now) {
  const [then, today] = [new Date(moment), new Date(now)];
  const time = `${two(then.getHours())}:${two(then.getMinutes())}:${two(then.getSeconds())}`;
  const day = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
  return then.toDateString() === today.toDateString() ? time : `${day} ${time}`;
}

/** "for 3 min, since 12:03:41" */
export function since(moment, now) {
  return `for ${age((now - Date.parse(moment)) / 1000)}, since ${clock(moment, now)}`;
}

// Another node is active beside this one, and neither gives way.
const BOTH_HOLD = ["stronger-refused", "weaker-active", "second-owner"];

/** What is known of a second holder of its addresses: `level` is "certain", "possible" or null. */
export function verdict(router) {
  if (router.state !== "active") return { level: null, sentences: [] };
  const said = (notice) => notice.line || notice.sentence;
  const certain = router.notices.filter((notice) => BOTH_HOLD.includes(notice.notice)).map(said);
  if (router.rival) certain.unshift(router.rival.sentence);
  if (certain.length) return { level: "certain", sentences: certain };
  // Who has no address in common is of another cluster.
  const refused = router.notices.filter((notice) => notice.notice === "refused" && notice.reason !== "no-common-address");
  return { level: refused.length ? "possible" : null, sentences: refused.map(said) };
}

/** "split", "wrong", "active", "backup" or "away". */
export function kind(router) {
  if (verdict(router).level === "certain") return "split";
  if (router.fault) return "wrong";
  return { active: "active", backup: "backup" }[router.state] || "away";
}

/** The state as `vrrp status` names it, with what its checks say. */
export function stateWord(router) {
  const more = router.condition && router.condition !== "good" ? `, ${router.condition}` : "";
  if (router.state === "initialize") return `${router.hold || "initialize"}${more}`;
  const phase = router.phase === router.state || router.phase === "held" ? "" : ` (${router.phase})`;
  return `${router.state}${phase}${more}`;
}

/** The state that a phase belongs to (RFC 9568 6.4), as the bars show it. */
export function stateOf(phase) {
  if (phase === "backup") return "backup";
  return phase === "initialize" ? "away" : "active";
}

/** Its first addresses, and where they are if that is not here. */
export function place(router) {
  const shown = router.addresses_held.length ? router.addresses_held : router.addresses;
  const more = shown.length > 2 ? ` (+${shown.length - 2})` : "";
  const elsewhere = router.active_peer && !router.addresses_held.length ? ` at ${router.active_peer}` : "";
  return `${shown.slice(0, 2).join(" ")}${more}${elsewhere}`;
}

/** Whether a virtual router has the words of a filter in what is shown of it. */
export function matches(router, filter) {
  const text = [router.name, stateWord(router), router.interface, router.group, router.active_peer, ...router.addresses].join(" ").toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

const messages = (count) => `${count} message${count === 1 ? "" : "s"}`;

export function heard(peer) {
  const parts = [peer.priority === 0 ? "resigned" : `priority ${peer.priority}`];
  if (peer.active) parts.unshift("active");
  if (peer.interval_seconds) parts.push(`interval ${peer.interval_seconds} s`);
  if (peer.version) parts.push(`VRRPv${peer.version}`);
  parts.push(`heard ${duration(peer.seconds_ago)} ago`);
  if (peer.jitter_seconds !== null) parts.push(`jitter ${duration(peer.jitter_seconds)}`);
  parts.push(messages(peer.messages));
  return `${peer.address}: ${parts.join(", ")}${peer.detail ? `; ${peer.detail}` : ""}`;
}

export function refused(peer) {
  const claim = peer.priority === null ? "" : `; it claims priority ${peer.priority}`;
  const last = `${messages(peer.messages)}, the last ${duration(peer.seconds_ago)} ago`;
  return `${peer.address}: refused: ${peer.detail || peer.reason} (${peer.reason}); ${last}${claim}`;
}

/** Every other node that was heard or refused. */
export function nodes(router) {
  const all = [...router.peers_heard.map(heard), ...router.peers_refused.map(refused)];
  if (router.left_out_heard) all.push(`further nodes: ${messages(router.left_out_heard)} heard`);
  if (router.left_out_refused) all.push(`further nodes: ${messages(router.left_out_refused)} refused`);
  return all.length ? all : ["none was heard"];
}

function tracked(track, now) {
  const weight = track.weight === null ? "" : track.adds ? `, ${signed(track.adds)}` : `, weight ${signed(track.weight)}`;
  const ran = track.last_run ? `, ran ${age((now - Date.parse(track.last_run)) / 1000)} ago` : "";
  return `${track.check} is ${track.state} ${since(track.since, now)}${weight}${track.reversed ? ", reversed" : ""}: ${track.text || "no result yet"}${ran}`;
}

const signed = (number) => (number > 0 ? `+${number}` : String(number));

function placed(address, held) {
  const parts = [`${address.address} on ${address.interface}`];
  if (address.label) parts.push(`label ${address.label}`);
  if (address.scope !== "global") parts.push(`scope ${address.scope}`);
  if (!address.advertised) parts.push("(not advertised)");
  return `${parts.join(" ")}, ${held.includes(address.address) ? "held" : "not held"}`;
}

// A sentence with the word for programs, unless it has that already.
const withWord = (sentence, word) => (sentence.includes(`(${word})`) ? sentence : `${sentence} (${word})`);

const counted = (counters) => Object.entries(counters).filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`).join(", ");

/** Everything that is said of a virtual router: pairs of a label and a text. */
export function facts(router, now) {
  const phase = router.phase === router.state ? "" : ` (${router.phase})`;
  const all = [["state", `${router.state}${phase} ${since(router.since, now)}`], ["why", router.why]];
  router.holds.forEach((hold, at) => all.push(["hold", withWord(router.hold_sentences[at] || hold, hold)]));
  router.gates.forEach((gate, at) => all.push(["gate", withWord(router.gate_sentences[at] || gate, gate)]));
  if (router.drained_until) all.push(["drained until", clock(router.drained_until, now)]);
  if (router.group) all.push(["group", `${router.group}, policy ${router.group_policy}${router.group_cause ? `; because of ${router.group_cause}` : ""}`]);
  for (const [label, key] of [["backend", "backend_error"], ["socket", "socket_error"], ["sending", "send_error"]]) {
    if (router[key]) all.push([label, router[key]]);
  }
  all.push(["priority", router.priority_sentence || String(router.effective_priority)]);
  if (router.lease_seconds !== null) all.push(["lease", `${duration(router.lease_seconds)} left: so long it stays active if it can send nothing more`]);
  if (router.waits_seconds !== null) all.push(["waits", `${duration(router.waits_seconds)} more for its link and its address, and still serves`]);
  if (router.probation_seconds !== null) all.push(["probation", `${duration(router.probation_seconds)} more, in which it takes no address from another node`]);
  all.push(["active node", router.state === "active" ? "this one" : router.active_peer || "none is known"]);
  all.push(["addresses", router.placed.map((address) => placed(address, router.addresses_held)).join("\n")]);
  if (router.routes.length) all.push(["routes", router.routes.join("\n")]);
  if (router.tracks.length) all.push(["checks", router.tracks.map((track) => tracked(track, now)).join("\n")]);
  all.push(["speaks", `VRRPv${router.version} for ${router.family === "ipv6" ? "IPv6" : "IPv4"}, VRID ${router.vrid} on ${router.interface}`]);
  const taken = router.takeovers;
  if (taken?.count) all.push(["takeovers", `${taken.count}, the last took ${duration(taken.last_seconds ?? 0)}, ${duration(taken.total_seconds / taken.count)} on average`]);
  const { rejected, ...others } = router.counters;
  all.push(["counted", counted(others) || "nothing"]);
  if (counted(rejected)) all.push(["rejected", counted(rejected)]);
  return all;
}

export function transition(step) {
  return `${step.from} → ${step.hold ? `${step.to} (${step.hold})` : step.to}: ${step.sentence}`;
}

export function check(found, now) {
  const idle = found.runs_now ? "" : " (idle)";
  const ran = found.last_run ? `, ran ${age((now - Date.parse(found.last_run)) / 1000)} ago, took ${duration(found.took_seconds)}` : "";
  const runs = `${found.failures} of ${found.runs} runs failed${found.not_run ? `, ${found.not_run} could not be made` : ""}`;
  return `${found.name} is ${found.state}${idle} ${since(found.since, now)}: ${found.text || "no result yet"}${ran}; ${runs}`;
}

/** What is wrong and belongs to no virtual router. */
export function elsewhere(status, now) {
  const all = [];
  if (status.reload && !status.reload.done) all.push(`The reload of ${clock(status.reload.time, now)} was refused, and the configuration before it is in force: ${status.reload.sentence}`);
  for (const found of status.checks) if (found.outcome === "not-run") all.push(`check ${found.name} cannot be run: ${found.text}`);
  for (const port of status.ports) {
    const at = `${port.interface} ${port.family}`;
    for (const peer of port.peers_refused) all.push(`${at}: ${refused(peer)}`);
    if (port.overflow_heard || port.overflow_refused) all.push(`${at}: messages dropped, as the socket’s buffer was full: ${port.overflow_heard} heard, ${port.overflow_refused} refused`);
  }
  for (const left of status.leftovers) all.push(`${left.address} on ${left.interface} belongs to no virtual router any more; remove it with \`ip address del ${left.address} dev ${left.interface}\``);
  return all;
}

/** The states of the last `span` seconds: pieces of a bar, as parts of it from its left end, the latest first. */
export function pieces(router, now, span) {
  const found = [];
  let end = now;
  for (const step of router.transitions) {
    const start = Math.max(Date.parse(step.at), now - span * 1000);
    if (start < end) found.push(piece(start, end, stateOf(step.to), now, span));
    end = Math.min(start, end);
  }
  // What it was before the oldest transition that is known, unless it was not there.
  const oldest = router.transitions.at(-1);
  if (oldest && router.transitions.length >= 10 && end > now - span * 1000) found.push(piece(now - span * 1000, end, stateOf(oldest.from), now, span));
  return found;
}

function piece(start, end, state, now, span) {
  const part = (moment) => 1 - (now - moment) / (span * 1000);
  return { from: part(start), to: part(end), state };
}
