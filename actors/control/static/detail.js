"use strict";
// What is shown on request: one name in full, names found, parked callbacks.

function close(id) {
  byId(id).hidden = true;
  if (location.hash) history.replaceState(null, "", location.pathname);
}

function open(id, ...children) {
  const box = byId(id);
  for (const other of ["detail", "found"]) byId(other).hidden = other !== id;
  box.replaceChildren(...children.filter((child) => child !== null));
  box.focus({ preventScroll: true });
  box.scrollIntoView({ block: "nearest" });
}

function heading(id, text, ...more) {
  const shut = make("button", { class: "plain", type: "button", onclick: () => close(id) }, "Close");
  const actions = make("div", { class: "actions" }, ...more.filter((node) => node.tagName === "BUTTON"), shut);
  return make("div", { class: "head" }, make("h2", {}, text), ...more.filter((node) => node.tagName !== "BUTTON"), actions);
}

/** One name; a name that is not watched becomes a search for its text. */
async function openDomain(name) {
  try {
    drawDomain(await call(`domain/${encodeURIComponent(name)}`));
  } catch (error) {
    if (error.status === 404 || error.status === 400) await openSearch({ q: name }, error.message);
    else trouble(error.message);
  }
}

function drawDomain(row) {
  const check = make("button", { type: "button", onclick: async () => {
    check.disabled = true;
    if (await change(`domain/${encodeURIComponent(row.domain)}/check`)) {
      check.textContent = "Asked";
      setTimeout(() => openDomain(row.domain), 3000);
    } else check.disabled = false;
  } }, "Check now");
  const forecast = row.forecast;
  const fields = row.fields || {};
  const about = make("div", {}, pairs([
    ["Why", row.reason], ["Since", when(row.since)], ["Confidence", `${(100 * row.confidence).toFixed(1)} % that it can be registered`],
    ["Missing for an alarm", row.gates.length ? row.gates.join("; ") : null],
    ["Checked", when(row.checked_at)],
    ["Next check", row.watched ? when(row.next_check) : "none: it is not on the list any more"], ["Priority", row.priority ? "yes" : null],
    ["ASCII form", row.unicode === row.domain ? null : row.domain]]));
  const record = make("div", {}, pairs([
    ["Expected drop", forecast ? when(forecast.likely) : "none foreseen"],
    ["Window", forecast ? `${iso(forecast.earliest)} to ${iso(forecast.latest)}` : null],
    ["Sure", forecast && forecast.p !== null ? `${Math.round(100 * forecast.p)} %` : null], ["Because", forecast ? forecast.reason : null],
    ["Registrar", fields.registrar], ["Created", fields.created_at], ["Expires", fields.expires_at],
    ["Statuses", (fields.statuses || []).join(", ")], ["Name servers", (fields.nameservers || []).join(", ")]]));
  const evidence = Object.entries(row.evidence).map(([method, item]) => drawEvidence(method, item));
  const troubles = Object.entries(row.troubles).map(([method, item]) => drawTrouble(method, item));
  const asked = evidence.length || troubles.length || row.checked_at;
  const events = row.history.map((item) => [when(item.timestamp), statePill(item.kind), number(item.seq)]);
  open("detail", heading("detail", row.unicode, statePill(row.state), check), make("div", { class: "columns" }, about, record),
    ...drawDecision(row),
    make("h3", {}, row.decision ? "Newest answers" : "Evidence"),
    ...(evidence.length ? evidence : [quiet(asked ? "No answer so far proves anything." : "Nothing has been asked yet.")]),
    ...(troubles.length ? [make("h3", {}, "Without an answer"), ...troubles] : []),
    make("h3", {}, "History"), events.length ? table("", ["When", "What", "Sequence"], events, [2]) : quiet("No events yet."));
}

/** What an announced name was announced for, and what was seen since. */
function drawDecision(row) {
  const made = row.decision;
  if (!made || !["AVAILABLE", "AVAILABLE_PREMIUM", "UNREGISTERED"].includes(row.state)) return [];
  const basis = { sources: "independent sources that agree", repetition: "one source alone, asked again and again" };
  return [make("h3", {}, "Decision"), pairs([
    ["Made", when(made.time)], ["State", words(made.state)], ["Why", made.reason],
    ["Confidence", typeof made.confidence === "number" ? `${(100 * made.confidence).toFixed(1)} %` : null],
    ["Rests on", basis[made.basis] || made.basis],
    ["Newest look", row.latest.reason === made.reason ? null : make("span", {}, when(row.latest.time), `: ${row.latest.reason}`)]]),
  ...Object.entries(made.evidence).map(([method, item]) => drawEvidence(method, item))];
}

/** Why a method says nothing: the last thing that came of it. */
function drawTrouble(method, item) {
  const summary = make("summary", {}, make("strong", {}, method), pill(words(item.kind), "warn"), when(item.time), ` · ${item.reason}`);
  return make("details", {}, summary, pairs([
    ["Server", item.server], ["Address", item.address], ["Finding", item.finding], ["Status", item.status],
    ["Asked again", item.until ? when(item.until) : null], ["So since", when(item.first_time)]]));
}

function drawEvidence(method, item) {
  const looks = { unregistered: "good", premium: "good", registered: "wait", dropping: "warn", throttled: "bad", invalid: "bad" };
  const summary = make("summary", {}, make("strong", {}, method), pill(item.outcome, looks[item.outcome] || "wait"), when(item.time), ` · ${item.reason}`);
  const more = pairs([
    ["Server", item.server], ["Address", item.address], ["Finding", item.finding], ["Status", item.status], ["Phase", item.phase],
    ["Vouched for", item.canary ? vouched(item.canary) : null],
    ["Took", `${Number(item.duration_ms).toFixed(0)} ms`], ["Same answer since", when(item.first_time)], ["Digest", item.digest]]);
  return make("details", {}, summary, more, item.excerpt ? make("pre", { tabindex: "0" }, item.excerpt) : null);
}

/** How the canaries of the server stood when its answer was judged. */
function vouched(canary) {
  const look = canary.bracketed ? pill("yes, before and after", "good") : pill(canary.green ? "before, not after" : "no", "warn");
  const seen = (at) => (at ? when(at) : "never");
  return make("span", {}, look, " found a known name: ", seen(canary.registered_ok), ", denied a random one: ", seen(canary.free_ok));
}

/** Names by filter, page by page. */
async function openSearch(filter, note = "") {
  const title = filter.state ? `Names: ${words(filter.state)}` : `Names with “${filter.q}”`;
  await openPages(title, note, "domains", filter, ["Name", "State", "Since", "Next check"],
    (row) => [nameLink(row.unicode), statePill(row.state), when(row.since), when(row.next_check)]);
}

/** Every name that is expected to drop, page by page. */
async function openDrops() {
  await openPages("Drops expected in the next 30 days", "", "drops", {}, ["Name", "State", "Expected", "Sure"], dropRow);
}

/** What a path lists, page by page; `cells` makes a row of the table from an entry. */
async function openPages(title, note, path, filter, heads, cells) {
  const found = make("div");
  const more = make("button", { class: "plain", type: "button", onclick: () => load(more.dataset.cursor) }, "More");
  async function load(cursor) {
    const query = new URLSearchParams({ ...filter, limit: "50", ...(cursor ? { cursor } : {}) });
    try {
      const page = await call(`${path}?${query}`);
      const rows = page[path].map(cells);
      if (rows.length) found.append(table("", heads, rows));
      else if (!found.childElementCount && !page.cursor) found.append(quiet("No watched name matches."));
      more.dataset.cursor = page.cursor || "";
      more.hidden = !page.cursor;
    } catch (error) {
      found.replaceChildren(quiet(error.message));
      more.hidden = true;
    }
  }
  await load("");
  open("found", heading("found", title), note ? quiet(note) : null, found, more);
}

/** Callbacks that were given up, with a way to send them again. */
async function openParked() {
  const page = await call("deliveries?state=parked&limit=50");
  const rows = page.deliveries.map((row) => {
    const again = make("button", { class: "plain", type: "button", onclick: async () => {
      again.disabled = true;
      again.textContent = (await change(`deliveries/${encodeURIComponent(row.id)}/replay`)) ? "Asked" : "Failed";
    } }, "Send again");
    return [nameLink(row.domain), number(row.attempts), row.last_error || String(row.last_status), again];
  });
  open("found", heading("found", "Parked callbacks"), rows.length ? table("", ["Name", "Attempts", "Last error", ""], rows, [1]) : quiet("None is parked."));
}
