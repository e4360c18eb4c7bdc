"""`domain-monitor tail`: prints the live feed, one line a message, and says when events were missed.

It decodes the messages with msgpack, the library that integrators use, not with the codec of our own processes: what it can
print, any of their programs can read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

import msgpack  # type: ignore[import-untyped]  # it has no types

from actors.cli.feed_gaps import EventGaps
from actors.cli.printing import escape_unprintable, release_output
from common.bus import FeedSubscriber, feed_keys
from common.clock import monotonic
from common.config import Settings
from common.reachable_endpoint import connectable_endpoint

#: Seconds of silence after which we say what may be wrong, once.
QUIET = 10.0
#: Longest value shown in a readable line, in characters.
VALUE_LIMIT = 80
#: Topics of durable events. Every event is on the first; it is on `available.` as well if it is one.
EVENT_TOPIC = "state."


def run(topic: str, as_json: bool, settings: Settings) -> int:  # noqa: FBT001 - the contract of the command line
    """Print until Ctrl-C or SIGTERM, or until the reader of the output has left; 0 each way."""
    tail = FeedPrinter(topic, as_json=as_json, out=sys.stdout, err=sys.stderr)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(print_feed(tail, connectable_endpoint(settings.feed_endpoint), feed_keys(settings)))
    return 0


class FeedPrinter:
    """Turns feed messages into lines on `out`; notices go to `err`, so that JSON lines stay clean."""

    def __init__(
        self, topic: str, *, as_json: bool, out: TextIO, err: TextIO, monotonic: Callable[[], float] = monotonic
    ) -> None:
        self.topic = topic
        self._monotonic = monotonic
        self.heard = False
        self.done = asyncio.Event()
        self._as_json = as_json
        self._out = out
        self._err = err
        # Sequences are complete only where every event reaches us; a narrower topic leaves gaps of its own.
        self._complete = EVENT_TOPIC.startswith(topic)
        self._gaps = EventGaps()

    def receive(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Print one message, after a notice where events are missing before it."""
        self.heard = True
        self._check_sequence(payload)
        self._print(self._out, render_line(topic, payload) if not self._as_json else _as_json(topic, payload))

    def notice(self, text: str) -> None:
        """Say something about the feed itself."""
        self._print(self._err, f"domain-monitor: {escape_unprintable(text)}")

    def _check_sequence(self, payload: Mapping[str, Any]) -> None:
        if not self._complete:
            return
        if payload.get("type") == "event":
            for text in self._gaps.note_event(payload, self._monotonic()):
                self.notice(text)
        for text in self._gaps.find_overdue(self._monotonic()):
            self.notice(text)

    def _print(self, stream: TextIO, line: str) -> None:
        try:
            print(line, file=stream, flush=True)
        except BrokenPipeError:
            self.done.set()


async def print_feed(tail: FeedPrinter, endpoint: str, keys: Settings | None = None) -> None:
    """Subscribe, with the CURVE keys of these settings where there are any, and print until `tail.done`."""
    feed = FeedSubscriber(endpoint, (tail.topic,), keys=keys, decode=decode_payload)
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGTERM, tail.done.set)
        feed.attach(tail.receive)
        under = f"topics beginning with {tail.topic!r}" if tail.topic else "every topic"
        tail.notice(f"subscribed at {endpoint} to {under}, waiting; Ctrl-C ends")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET):
                await tail.done.wait()
        if not tail.heard and not tail.done.is_set():
            tail.notice(f"nothing has arrived in {QUIET:.0f} s; is a feed there, and are FEED_ENDPOINT and keys right?")
        await tail.done.wait()
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        feed.close()
        if tail.done.is_set():
            release_output()


def decode_payload(body: bytes) -> object:
    """The value of a message of the feed. Raises ValueError for what is no msgpack."""
    try:
        return msgpack.unpackb(body, strict_map_key=False, unicode_errors="replace")
    except (msgpack.UnpackException, TypeError) as error:  # TypeError: a map or a list as a key
        raise ValueError(f"no msgpack: {type(error).__name__}") from None


def render_line(topic: str, payload: Mapping[str, Any]) -> str:
    """One readable line: time (UTC), topic, and what matters of this type of message."""
    moment = payload.get("ts")
    shown = _time(moment) if isinstance(moment, int | float) else "--:--:--"
    return escape_unprintable(" ".join([shown, topic, *(f"{name}={_short(value)}" for name, value in _shown_fields(payload))]))


def _shown_fields(payload: Mapping[str, Any]) -> list[tuple[str, Any]]:
    kind = payload.get("type")
    if kind == "result":
        return _picked(payload, "result", "duration_ms")
    if kind == "event":
        body = payload.get("event")
        body = body if isinstance(body, Mapping) else {}
        return [*_picked(payload, "seq", "kind"), *_picked(body, "confidence")]
    if kind == "status":
        status = payload.get("status")
        status = status if isinstance(status, Mapping) else {}
        parts = [("domains", ("total",)), ("queue", ("due", "leased")), ("deliveries", ("pending", "parked"))]
        return [
            *_picked(status, "shard"),
            ("ready", status.get("ready")),
            *(fact for part, names in parts for fact in _within(status, part, *names)),
        ]
    return [(str(name), value) for name, value in payload.items() if name not in {"v", "ts", "instance"}][:12]


def _picked(source: Mapping[str, Any], *names: str) -> list[tuple[str, Any]]:
    return [(name, source[name]) for name in names if name in source]


def _within(source: Mapping[str, Any], part: str, *names: str) -> list[tuple[str, Any]]:
    inner = source.get(part)
    return _picked(inner, *names) if isinstance(inner, Mapping) else []


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= VALUE_LIMIT else f"{text[:VALUE_LIMIT]}..."
    return json.dumps(text, ensure_ascii=False) if " " in text else text


def _as_json(topic: str, payload: Mapping[str, Any]) -> str:
    # Only ASCII: nothing in it can steer a terminal.
    return json.dumps({"topic": topic, **payload}, default=str, separators=(",", ":"))


def _time(epoch: float) -> str:
    try:
        return f"{datetime.fromtimestamp(epoch, UTC):%H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return "--:--:--"
