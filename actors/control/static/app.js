"use strict";
// Keeps the page up to date: status every few seconds, events as they happen, the part after # as a place.

const STATUS_EVERY = 3000;
const DROPS_EVERY = 30000;
const MOST_EVENTS = 50;
let lastEvent = null;
let source = null;

async function refreshStatus() {
  try {
    const status = await call("status");
    skew = status.timestamp - Date.now() / 1000;
    drawHealth(status);
    drawTiles(status.coordinator);
    drawShards(status.coordinator);
    drawStates(status.coordinator);
    drawSources(status.coordinator);
    drawServers(status.coordinator);
    drawAccuracy(status.coordinator);
    drawChannels(status.coordinator);
    drawInstances(status);
    drawProcesses(status);
    drawDeliveries(status.coordinator);
    drawConfiguration(status);
    if (lastEvent === null && status.store.available) await startEvents(status.store.last_seq);
  } catch (error) {
    byId("health").className = "pill bad";
    byId("health").textContent = "no answer";
    trouble(error instanceof Refusal ? error.message : "The control process does not answer; trying again.");
  }
}

async function refreshDrops() {
  try {
    drawDrops(await call("drops?limit=12"));
  } catch (error) {
    show("drops", quiet(error.message));
  }
}

async function startEvents(newest) {
  lastEvent = Math.max(0, newest - MOST_EVENTS);
  follow();
}

function follow() {
  source = new EventSource(`events?after=${lastEvent}`);
  source.onopen = () => streamLook("live", "good");
  source.onmessage = (message) => {
    lastEvent = Number(message.lastEventId);
    addEvent(JSON.parse(message.data));
  };
  source.onerror = () => {
    streamLook("reconnecting", "warn");
    // The browser tries again by itself, except after an answer such as 503.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  };
}

function streamLook(text, look) {
  byId("stream").className = `pill ${look}`;
  byId("stream").textContent = text;
}

function addEvent(item) {
  const list = byId("events");
  byId("noevents").hidden = true;
  list.prepend(make("li", {}, make("span", { class: "quiet" }, when(item.timestamp)), make("span", {}, statePill(item.kind)), make("span", {}, nameLink(item.unicode))));
  while (list.childElementCount > MOST_EVENTS) list.lastElementChild.remove();
  if (item.kind === "available") byId("announce").textContent = `${item.unicode} can be registered`;
}

/** Times like "3 s ago" go on by themselves. */
function refreshTimes() {
  for (const node of document.querySelectorAll("time[datetime]")) {
    node.textContent = when(Date.parse(node.getAttribute("datetime")) / 1000).textContent;
  }
}

function route() {
  const [, kind, rest] = location.hash.match(/^#\/(\w+)\/?(.*)$/) || [];
  let value = "";
  try {
    value = decodeURIComponent(rest || "");
  } catch {
    return;
  }
  if (kind === "domain" && value) openDomain(value);
  else if (kind === "state" && value) openSearch({ state: value });
  else if (kind === "find" && value) openSearch({ q: value });
  else if (kind === "drops") openDrops();
  else if (kind === "parked") openParked().catch((error) => trouble(error.message));
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("query").value.trim();
  if (!text) return;
  const place = `#/${text.includes(".") ? "domain" : "find"}/${encodeURIComponent(text)}`;
  if (location.hash === place) route();
  else location.hash = place;
});
byId("reload").addEventListener("click", async (event) => {
  event.target.disabled = true;
  await change("refresh");
  setTimeout(() => { event.target.disabled = false; }, 2000);
});
window.addEventListener("hashchange", route);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refreshStatus(); });
setInterval(() => { if (!document.hidden) refreshStatus(); }, STATUS_EVERY);
setInterval(() => { if (!document.hidden) refreshDrops(); }, DROPS_EVERY);
setInterval(refreshTimes, 1000);
refreshStatus();
refreshDrops();
route();
