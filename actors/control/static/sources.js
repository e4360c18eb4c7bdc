"use strict";
// The panel of the sources: does each serve us, is it believed, what is left of its budget.

const NO_REGISTRAR = "No registrar is configured: no price is known, and a name can only be told by its registry's public servers. "
  + "`domain-monitor sources` lists every registrar with the settings that it needs; set them in .env and restart.";

function drawSources(coordinator) {
  const rows = coordinator.sources;
  if (!rows) return show("sources", quiet("Nothing is known yet: the coordinator has not been heard."));
  const now = Date.now() / 1000 + skew;
  const registrars = rows.some((row) => row.method.startsWith("registrar:"));
  show("sources", table("", ["Source", "Serves us", "Trust", "Budget left", "Last success", "Can prove"],
    rows.map((row) => [sourceName(row), sourceEntitled(row), sourceTrust(row, now), sourceBudget(row.budget, now),
      row.last_success ? when(row.last_success) : "none yet", row.proves])),
    ...(registrars ? [] : [quiet(NO_REGISTRAR)]));
}

function sourceName(row) {
  const title = row.method.startsWith("registrar:") ? row.title : `${row.method.toUpperCase()}, ${row.title}`;
  return make("span", { title: row.terms || "" }, title, row.configured === "sandbox" ? make("span", {}, " ", pill("sandbox", "warn")) : null,
    row.server ? make("span", { class: "under" }, row.server) : null);
}

function sourceEntitled(row) {
  const [text, look] = { yes: ["yes", "good"], no: ["refused", "bad"] }[row.entitled] || ["not known yet", "wait"];
  const why = row.trouble || row.entitled_reason;
  return make("span", {}, pill(text, look), why ? make("span", { class: "under" }, why) : null);
}

function sourceTrust(row, now) {
  const trust = row.trust;
  if (trust.state === "quarantined") {
    return make("span", {}, pill("quarantined", "bad"), " ", when(trust.quarantined_until), make("span", { class: "under" }, trust.reason));
  }
  if (row.method === "http") return "needs none";
  if (trust.state === "verified") return make("span", {}, pill("verified", "good"), ` ${number(trust.verified)} of ${number(trust.channels)}`);
  return pill("not verified yet", "wait");
}

function sourceBudget(budget, now) {
  if ((budget.blocked_until || 0) > now) return make("span", {}, pill("blocked", "bad"), " ends ", when(budget.blocked_until));
  const used = `${number(budget.used_today)}${budget.per_day ? ` of ${number(budget.per_day)}` : ""} today`;
  if (budget.rate === null) return budget.operators ? `${number(budget.operators)} operators, ${number(budget.blocked)} blocked, ${used}` : "not asked yet";
  return `${rate(budget.rate)}/s, ${budget.tokens === null ? "" : `${rate(Math.max(0, budget.tokens))} calls now, `}${used}`;
}
