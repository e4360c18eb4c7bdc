"use strict";
// The panel of the sources: does each serve us, is it believed, what is left of its budget.

function drawSources(coordinator) {
  const rows = coordinator.sources;
  if (!rows) return show("sources", quiet("Nothing is known yet: the coordinator has not been heard."));
  const now = Date.now() / 1000 + skew;
  const registrars = rows.some((row) => row.method.startsWith("registrar:"));
  show("sources", table("", ["Source", "Serves us", "Trust", "Budget left", "Last success", "Can prove"],
    rows.map((row) => [sourceName(row), sourceEntitled(row), sourceTrust(row, now), sourceBudget(row, now),
      row.last_success ? when(row.last_success) : row.method === "http" ? "not kept" : "none yet", make("span", { class: "long" }, row.proves)])),
    registrars ? null : noRegistrar());
}

/** What to do where no registrar can be asked. */
function noRegistrar() {
  return make("p", { class: "notice calm" }, "No registrar is configured: prices are not known, and no registrar confirms that a name can be created. ",
    make("code", {}, "domain-monitor sources"), " lists every registrar with the settings that it needs; set those of one in ",
    make("code", {}, ".env"), " and restart.");
}

function sourceName(row) {
  return make("span", { title: row.terms || "" }, row.title, row.configured === "sandbox" ? make("span", {}, " ", pill("sandbox", "warn")) : null,
    row.server ? make("span", { class: "under" }, row.server) : null);
}

function sourceEntitled(row) {
  const [text, look] = { yes: ["yes", "good"], no: ["refused", "bad"] }[row.entitled] || ["not known yet", "wait"];
  const why = row.entitled === "no" ? row.trouble || row.entitled_reason : row.entitled_reason;
  return make("span", {}, pill(text, look), why ? make("span", { class: "under" }, why) : null);
}

function sourceTrust(row, now) {
  const trust = row.trust;
  if (trust.state === "quarantined") {
    return make("span", {}, pill("quarantined", "bad"), " ends ", when(trust.quarantined_until), make("span", { class: "under" }, trust.reason));
  }
  if (row.method === "http") return "needs none";
  if (trust.state === "verified") return make("span", {}, pill("verified", "good"), ` ${number(trust.verified)} of ${number(trust.channels)}`);
  return pill("not verified yet", "wait");
}

function sourceBudget(row, now) {
  const budget = row.budget;
  const why = row.entitled !== "no" && row.trouble ? make("span", { class: "under" }, row.trouble) : null;
  if ((budget.blocked_until || 0) > now) return make("span", {}, pill("blocked", "bad"), " ends ", when(budget.blocked_until), why);
  const used = `${number(budget.used_today)}${budget.per_day ? ` of ${number(budget.per_day)}` : ""} today`;
  const blocked = budget.blocked ? `, ${number(budget.blocked)} blocked` : "";
  if (budget.rate === null) return budget.operators ? make("span", {}, `${number(budget.operators)} operators${blocked}, ${used}`, why) : "not asked yet";
  const left = budget.tokens === null ? "" : `${number(Math.max(0, Math.floor(budget.tokens)))} at once, `;
  return make("span", {}, `${rate(budget.rate)}/s, ${left}${used}`, why);
}
