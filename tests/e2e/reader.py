"""A subscriber as a customer would write one: plain pyzmq and msgpack, nothing of ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgpack
import zmq


@dataclass(frozen=True, slots=True)
class Heard:
    """One message; `at` in epoch seconds."""

    at: float
    topic: str
    content: dict[str, Any]


@dataclass(slots=True)
class Reader:
    """What arrived so far, in order."""

    heard: list[Heard] = field(default_factory=list)

    def events(self) -> list[Heard]:
        """What came under `state.`, each event once."""
        return [item for item in list(self.heard) if item.topic.startswith("state.")]


@contextmanager
def reading(endpoint: str, *prefixes: str) -> Iterator[Reader]:
    """Subscribe in a thread until the block ends."""
    reader, ending = Reader(), threading.Event()

    def read() -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as feed:
            feed.linger = 0
            feed.connect(endpoint)
            for prefix in prefixes:
                feed.subscribe(prefix)
            while not ending.is_set():
                if feed.poll(50):
                    topic, body = feed.recv_multipart()
                    reader.heard.append(Heard(time.time(), topic.decode(), msgpack.unpackb(body)))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield reader
    finally:
        ending.set()
        thread.join(5)
