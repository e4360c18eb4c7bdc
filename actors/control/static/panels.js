"use strict";
// The panels of the overview, each drawn from /status or /drops.

const ORDER = ["AVAILABLE", "AVAILABLE_PREMIUM", "UNREGISTERED", "DROPPING", "PENDING_DELETE", "REDEMPTION", "EXPIRED_GRACE",
  "UNDELEGATED", "REGISTERED", "RESERVED", "NOT_REGISTRABLE", "INVALID", "UNKNOWN"];
const MOST_ROWS = 12;

function drawHealth(status) {
  const health = status.health;
  const look = { ok: "good", degraded: "warn", unhealthy: "bad" }[health.status] || "wait";
  const node = byId("health");
  node.className = `pill ${look}`;
  node.textContent = { ok: "healthy" }[health.status] || health.status;
  byId("instance").textContent = `instance ${status.instance}`;
  byId("version").textContent = `version ${status.versions["domain-monitor"]}`;
  trouble("");
  drawProblems(health.problems);
}

/** What keeps the service from doing its work: what it is, since when, and what to do. */
function drawProblems(problems) {
  byId("problems").hidden = !problems.length;
  const look = (problem) => (problem.restart_helps || problem.unwatched ? "bad" : "warn");
  show("problems", make("h2", {}, problems.length === 1 ? "One problem" : `${number(problems.length)} problems`),
    make("ul", { class: "problems" }, ...problems.map((problem) => make("li", {},
      make("p", {}, pill(words(problem.code), look(problem)), " ", make("strong", {}, problem.what)),
      make("p", { class: "quiet" }, "Since ", when(problem.since), ". ", problem.remedy,
        problem.unwatched ? " Names go unwatched while it lasts." : "")))));
}

function drawTiles(coordinator) {
  const by = (coordinator.domains && coordinator.domains.by_state) || {};
  const sum = (...states) => states.reduce((total, state) => total + (by[state] || 0), 0);
  const queue = coordinator.queue || {};
  const deliveries = coordinator.deliveries || {};
  const free = sum("AVAILABLE", "AVAILABLE_PREMIUM");
  const near = sum("DROPPING", "PENDING_DELETE");
  const tile = (label, value, look) => make("div", { class: `tile ${look || ""}${value >= 1e7 ? " long" : ""}` }, make("b", {}, number(value)), make("span", { class: "quiet" }, label));
  show("tiles",
    tile("names watched", (coordinator.domains || {}).total),
    tile("can be registered", free, free ? "good" : ""),
    tile("about to drop", near, near ? "warn" : ""),
    tile("checks due", queue.due),
    tile("callbacks waiting", deliveries.pending),
    tile("callbacks parked", deliveries.parked, deliveries.parked ? "bad" : ""));
}

/** The parts of a divided watch list: which instance leads each, how many names it has, and how late these are asked. */
function drawShards(coordinator) {
  const rows = coordinator.shards || [];
  byId("shards").hidden = rows.length < 2;
  const watched = rows.filter((row) => shardState(row)[1] === "good").length;
  show("shards", make("h2", {}, "Shards ", make("span", { class: "quiet" }, `${number(watched)} of ${number(rows.length)} at work`)),
    make("ul", { class: "strip" }, ...rows.map((row) => {
      const [text, look] = shardState(row);
      return make("li", {}, make("p", {}, make("b", {}, `Shard ${row.shard}`), " ", pill(text, look)),
        make("p", { class: "quiet" }, row.leader || "no leader known"),
        make("p", {}, row.names === null ? "names not known yet" : `${number(row.names)} names`, make("span", { class: "quiet" }, shardLateness(row))));
    })));
}

/** Seconds without a status after which a coordinator counts as silent, as at /health. */
const SILENT_AFTER = 30;

function shardState(row) {
  if (row.age === null) return ["not heard yet", "wait"];
  if (row.age > SILENT_AFTER) return [`silent for ${duration(row.age)}`, "bad"];
  return row.ready ? ["ok", "good"] : ["not ready", "warn"];
}

function shardLateness(row) {
  if (typeof row.late_ms !== "number" || shardState(row)[1] !== "good") return "";
  return row.late_ms < 1500 ? ", on time" : `, ${duration(row.late_ms / 1000)} late`;
}

function drawStates(coordinator) {
  const by = (coordinator.domains && coordinator.domains.by_state) || {};
  const states = Object.keys(by).filter((state) => by[state] > 0)
    .sort((a, b) => (ORDER.indexOf(a) + 99) % 99 - (ORDER.indexOf(b) + 99) % 99);
  if (!states.length) return show("states", quiet("No names yet."));
  const most = Math.max(...states.map((state) => by[state]));
  show("states", ...states.map((state) => {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 10");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const bar = document.createElementNS(SVG, "rect");
    bar.setAttribute("height", "10");
    bar.setAttribute("width", String(Math.max(1.2, 100 * by[state] / most)));
    bar.setAttribute("class", (LOOKS[state] || ["none"])[0]);
    svg.append(bar);
    const link = make("button", { class: "link", type: "button", onclick: () => { location.hash = `#/state/${state}`; } }, words(state));
    return make("div", { class: "state" }, link, svg, make("span", {}, number(by[state])));
  }));
}

function dropRow(row) {
  return [nameLink(row.unicode), statePill(row.state), when(row.forecast && row.forecast.likely),
    row.forecast && row.forecast.p !== null ? `${Math.round(100 * row.forecast.p)} %` : "–"];
}

/** The first names of a page of /drops, and how many there are. */
function drawDrops(page) {
  if (!page.total) return show("drops", quiet("No drop is foreseen in the next 30 days."));
  const all = page.total > MOST_ROWS ? make("a", { href: "#/drops" }, `all ${number(page.total)}`) : null;
  show("drops", table("", ["Name", "State", "Expected", "Sure"], page.drops.slice(0, MOST_ROWS).map(dropRow), [3]),
    make("p", { class: "quiet" }, `${number(Math.min(page.total, MOST_ROWS))} of ${number(page.total)} in the next 30 days`, all ? ": " : "", all));
}

function drawServers(coordinator) {
  const now = Date.now() / 1000 + skew;
  const budgets = [...(coordinator.budgets || [])].sort((a, b) => (b.blocked_until || 0) - (a.blocked_until || 0) || (b.used_today || 0) - (a.used_today || 0));
  const blocked = (row) => (row.blocked_until || 0) > now;
  const trust = [...(coordinator.trust || [])].sort((a, b) => Number(a.green) - Number(b.green));
  const rest = (rows) => (rows.length > MOST_ROWS ? quiet(`and ${number(rows.length - MOST_ROWS)} more in /status`) : null);
  show("budgets", ...(budgets.length ? [table("What we ask of each operator", ["Operator", "State", "Rate", "Today"],
    budgets.slice(0, MOST_ROWS).map((row) => [
      make("span", { title: row.egress }, row.operator),
      blocked(row) ? make("span", { title: row.reason || "" }, pill("blocked", "bad"), " ", when(row.blocked_until)) : pill("open", "good"),
      `${rate(row.rate)}/s`, number(row.used_today)]), [2, 3]), rest(budgets)] : [quiet("No server has been asked yet.")]));
  show("trust", ...(trust.length ? [table("Whom we trust", ["Server", "For", "Trust"],
    trust.slice(0, MOST_ROWS).map((row) => [`${row.method} ${row.server}`, row.suffix,
      row.green ? pill("proven", "good") : make("span", { title: row.reason || "" }, pill((row.quarantined_until || 0) > now ? "quarantined" : "not proven", "warn"))])), rest(trust)] : []));
}

/** Answers against the verdicts that followed, the alarms, and suffixes where nobody can vouch for a server. */
function drawAccuracy(coordinator) {
  const now = Date.now() / 1000 + skew;
  const found = coordinator.accuracy || {};
  const alarms = found.alarms || {};
  const methods = (found.methods || []).map((row) => [row.method, number(row.confirmed), number(row.contradicted), percent(row.share)]);
  const wrong = (found.servers || []).filter((row) => row.contradicted > 0);
  const precision = typeof alarms.precision === "number" ? percent(alarms.precision) : "–";
  show("right", pairs([
    ["Alarms", `${number(alarms.announced)} announced, ${number(alarms.confirmed)} confirmed, ${number(alarms.retracted)} retracted`],
    ["Precision", precision], ["Counted since", found.since ? when(found.since) : null]]),
    methods.length ? table("Answers, by what the verdict was", ["Method", "Confirmed", "Contradicted", "Right"], methods, [1, 2, 3]) : quiet("No answer has been settled by another one yet."));
  show("wrong", wrong.length ? table("Contradicted most", ["Server", "For", "Contradicted", "Right"],
    wrong.slice(0, MOST_ROWS).map((row) => [`${row.method} ${row.server}`, row.suffix, number(row.contradicted), percent(row.share)]), [2, 3])
    : quiet("No server has been contradicted."));
  show("gaps", ...(coordinator.trust_gaps || []).slice(0, MOST_ROWS).map((row) => make("p", { class: "notice" },
    `.${row.suffix}: ${number(row.names)} ${row.names === 1 ? "name has" : "names have"} waited ${duration(now - row.since)} for a canary that works; `
    + `until one does, no drop can be told there. ${row.remedy}.`)));
}

/** Channels that answer nothing that proves anything: of a dead one nothing is expected, a drop is told without it. */
function drawChannels(coordinator) {
  const now = Date.now() / 1000 + skew;
  const rows = coordinator.channels || [];
  show("channels", ...(rows.length ? [table("Silent channels", ["Channel", "For", "State", "Silent for", "Answers"],
    rows.slice(0, MOST_ROWS).map((row) => [`${row.method} ${row.server}`, row.suffix,
      make("span", { title: row.reason || "" }, pill(row.dead ? "dead" : "silent", row.dead ? "bad" : "warn")),
      duration(now - row.silent_since), number(row.answers)]), [3, 4]),
  rows.length > MOST_ROWS ? quiet(`and ${number(rows.length - MOST_ROWS)} more in /status`) : null] : []));
}

/** Instances that share the state, where there are several: which one leads, and how each is doing. */
function drawInstances(status) {
  const looks = { ok: "good", stopping: "wait", silent: "bad", gone: "bad" };
  const rows = status.instances.map((row) => [row.own ? `${row.instance} (shown here)` : row.instance, row.host || "", instanceRole(row),
    pill(row.status, looks[row.status] || "wait"), duration(row.heartbeat_age), number(row.processes)]);
  show("instances", ...(rows.length > 1 ? [table("Instances", ["Instance", "Host", "Role", "State", "Heard", "Processes"], rows, [4, 5])] : []));
}

/** Its role, with the shards that it leads where there are several. */
function instanceRole(row) {
  return row.leads && row.leads.length ? `${row.role} of ${row.leads.length === 1 ? "shard" : "shards"} ${row.leads.join(", ")}` : row.role;
}

function drawProcesses(status) {
  const looks = { ok: "good", silent: "bad" };
  const rows = status.health.processes.map((row) => [row.process, pill(row.status, looks[row.status] || "wait"), duration(row.age), number(row.restarts)]);
  show("processes", rows.length ? table("On this host", ["Process", "State", "Heard", "Restarts"], rows, [2, 3]) : quiet("No process has been heard yet."));
  const workers = (status.coordinator.workers || []).map((row) => [row.worker, (row.methods || []).join(", "), `${number(row.leased)} of ${number(row.slots)}`, duration(row.age || 0)]);
  show("workers", ...(workers.length ? [table("Workers of the coordinator", ["Worker", "Methods", "Busy", "Heard"], workers, [2, 3])] : []));
}

function drawDeliveries(coordinator) {
  const row = coordinator.deliveries;
  if (!row) return show("deliveries", quiet("Nothing is known yet."));
  const now = Date.now() / 1000 + skew;
  const open = (row.circuit_open_until || 0) > now;
  show("deliveries", pairs([
    ["Waiting", number(row.pending)],
    ["Parked", row.parked ? make("span", {}, pill(number(row.parked), "bad"), " ", make("a", { href: "#/parked" }, "show")) : "0"],
    ["Delivered", number(row.done)],
    ["Oldest waiting", row.oldest_age ? duration(row.oldest_age) : "–"],
    ["Endpoint", endpointPill(row, open)]]));
}

function endpointPill(row, open) {
  if (row.configured === false) return pill("not configured", "wait");
  if (open) return make("span", {}, pill("paused after failures", "warn"), " next try ", when(row.circuit_open_until));
  return row.failures_in_a_row ? pill("failing", "warn") : pill("open", "good");
}

function drawConfiguration(status) {
  const missing = status.not_configured;
  show("missing", ...(missing.length ? missing.map((line) => make("li", {}, line)) : [make("li", {}, "Nothing is missing.")]));
  const list = status.coordinator.list || {};
  show("list", pairs([
    ["List", list.source], ["Loaded", list.loaded_at ? when(list.loaded_at) : null], ["Names", list.names === undefined ? null : number(list.names)],
    ["Not monitorable", list.problems ? make("a", { href: "problems" }, number(list.problems)) : null],
    ["Held back", list.held], ["Error", list.error]]));
  const total = (status.coordinator.domains || {}).total;
  const unheard = (status.coordinator.shards || []).some((row) => row.age === null);
  byId("empty").hidden = total !== 0 || unheard || !status.store.available;
  byId("listnote").textContent = [list.held, list.error].filter(Boolean).join(" ");
}
