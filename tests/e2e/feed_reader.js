// Reads the live feed with nothing but the public contract: npm install zeromq @msgpack/msgpack
//
//   node feed_reader.js tcp://127.0.0.1:5560 http://127.0.0.1:8000 [seconds]
//
// Prints every event once, in order. A gap in the sequence (a restart of the publisher, or this reader too slow) is filled
// with GET /events?after=SEQ, and so is everything from before the subscription. After `seconds`, or when told to stop, it
// ends with a line of JSON: what was read, and whether anything is missing.
"use strict";

const { Subscriber } = require("zeromq");
const { decode } = require("@msgpack/msgpack");

const [endpoint, control, seconds] = process.argv.slice(2);
const PROMISED = ["v", "seq", "type", "ts", "instance"];
const counts = { messages: 0, events: 0, filled: 0, malformed: 0, repeated: 0 };
let last = 0;

function tell(seq, domain, kind, source) {
  counts.events += 1;
  last = seq;
  console.log(`${seq} ${kind} ${domain} (${source})`);
}

// Every event after the last one told, before `end`.
async function fill(end) {
  for (;;) {
    const answer = await fetch(`${control}/events?after=${last}&limit=1000`);
    const page = await answer.json();
    for (const event of page.events) {
      if (event.seq >= end) return;
      if (event.seq !== last + 1) throw new Error(`/events goes from ${last} to ${event.seq}`);
      counts.filled += 1;
      tell(event.seq, event.domain, event.kind, "history");
    }
    if (!page.more) return;
  }
}

async function take(topic, message) {
  counts.messages += 1;
  if (!PROMISED.every((key) => key in message)) counts.malformed += 1;
  if (message.type !== "event") return;
  const seq = Number(message.seq);
  if (seq <= last) {
    if (!topic.startsWith("available.")) counts.repeated += 1; // the second topic of an event that was told
    return;
  }
  if (seq > last + 1) await fill(seq);
  tell(seq, message.domain, message.kind, "feed");
}

async function main() {
  const feed = new Subscriber({ linger: 0 });
  feed.connect(endpoint);
  for (const prefix of ["state.", "available.", "system."]) feed.subscribe(prefix);
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => feed.close());
  const timer = seconds && setTimeout(() => feed.close(), Number(seconds) * 1000);
  try {
    for await (const [topic, body] of feed) await take(topic.toString(), decode(body));
  } catch (error) {
    if (!feed.closed) throw error;
  }
  clearTimeout(timer);
  const before = counts.events;
  await fill(Number.MAX_SAFE_INTEGER);
  const late = counts.events - before; // events whose message was still under way when the time was over
  console.log(JSON.stringify({ ...counts, last, late, gap: counts.events !== last }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
