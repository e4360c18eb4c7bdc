"use strict";
// Small helpers. Data only ever becomes text: nothing here, or anywhere on this page, parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; strings become text nodes. */
function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined).map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

function byId(id) {
  return document.getElementById(id);
}

/** Replace what an element shows. */
function show(id, ...children) {
  byId(id).replaceChildren(...children.filter((child) => child !== null));
}

function number(value) {
  return typeof value === "number" ? value.toLocaleString("en") : "–";
}

function rate(perSecond) {
  const value = Number(perSecond || 0);
  return value >= 10 ? number(Math.round(value)) : String(Number(value.toPrecision(2)));
}

function percent(share) {
  return typeof share === "number" ? `${(100 * share).toFixed(1)} %` : "–";
}

function duration(seconds) {
  const s = Math.abs(seconds);
  if (s < 1.5) return "1 s";
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

let skew = 0; // seconds that the server's clock is ahead of this browser's

/** "3 min ago" or "in 2 h", with the exact time as a tooltip. */
function when(epoch) {
  if (typeof epoch !== "number" || epoch <= 0) return make("span", {}, "–");
  const difference = epoch - (Date.now() / 1000 + skew);
  const text = difference > 0 ? `in ${duration(difference)}` : `${duration(difference)} ago`;
  return make("time", { datetime: iso(epoch), title: iso(epoch) }, text);
}

function iso(epoch) {
  const date = new Date(epoch * 1000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace(/\.\d+Z$/, "Z");
}

function words(state) {
  return String(state || "").replaceAll("_", " ").toLowerCase();
}

/** Colour class of a state's bar, and of its pill. */
const LOOKS = {
  AVAILABLE: ["free", "good"], UNREGISTERED: ["free", "good"], AVAILABLE_PREMIUM: ["premium", "good"],
  DROPPING: ["near", "warn"], PENDING_DELETE: ["near", "warn"], REDEMPTION: ["grace", "warn"], EXPIRED_GRACE: ["grace", "warn"],
  UNDELEGATED: ["registered", "wait"], REGISTERED: ["registered", "wait"], RESERVED: ["held", "wait"], NOT_REGISTRABLE: ["held", "wait"],
};

function pill(text, look) {
  return make("span", { class: `pill ${look}` }, text);
}

function statePill(state) {
  return pill(words(state), (LOOKS[String(state).toUpperCase()] || ["none", "wait"])[1]);
}

/** A table from rows of cells; a cell is text or a node. `numeric` lists columns aligned to the right. */
function table(caption, heads, rows, numeric = []) {
  const cell = (tag) => (content, index) => make(tag, numeric.includes(index) ? { class: "number" } : {}, content);
  const head = make("thead", {}, make("tr", {}, ...heads.map(cell("th"))));
  const body = make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell("td")))));
  return make("div", { class: "scroll" }, make("table", {}, caption ? make("caption", {}, caption) : null, head, body));
}

function quiet(text) {
  return make("p", { class: "quiet" }, text);
}

/** Pairs as a definition list; pairs without a value are left out. */
function pairs(rows) {
  const list = make("dl");
  for (const [name, value] of rows) {
    if (value !== null && value !== undefined && value !== "") list.append(make("dt", {}, name), make("dd", {}, value));
  }
  return list;
}

function nameLink(name) {
  return make("a", { href: `#/domain/${encodeURIComponent(name)}` }, name);
}
