"""A coordinator, or its rooms alone, without a simulated world: a test gives the inputs and reads the effects."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import numpy as np

from common.codec import convert, decode_map, encode
from common.core.coordinator.coordinator import Coordinator
from common.core.coordinator.wiring import Policy, Rooms
from common.core.model.effects import Effect, LogLine, Send
from common.core.model.ids import Ids
from common.core.model.limit import Limit
from common.core.model.records import Detail
from common.core.registries.directory import Directory
from common.core.schedule.cadence import Cadence
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
PLENTY = {"*": Limit("*", 1000.0, 1000, None)}
METHODS = {"fast": ("dns", "http"), "intermediate": ("rdap",), "deep": ("whois",), "notifier": ()}


def policy_of(*, limits: Mapping[str, Limit] = PLENTY, interval: float = 3600.0, callbacks: bool = True) -> Policy:
    """The settings of a small instance."""
    return Policy(
        cadence=Cadence(interval, 60.0, 30.0, 2.0),
        instance="test",
        iana_host="whois.iana.org",
        encode=encode,
        decode=lambda data: convert(decode_map(data), Detail),
        callbacks=callbacks,
        callback_results="none",
        limits=limits,
        canaries={"com": ("known.com",)},
    )


def directory() -> Directory:
    """One registry, of com."""
    return Directory(own={"com": ("https://rdap.com.test/",)}, own_whois={"com": "whois.com.test"})


def new_core(policy: Policy | None = None, now: float = NOW) -> Coordinator:
    """A coordinator that just started."""
    return Coordinator(policy or policy_of(), directory(), "boot", Random(1), now)


def new_rooms(policy: Policy | None = None, now: float = NOW) -> Rooms:
    """The rooms of such a coordinator."""
    return Rooms(policy or policy_of(), directory(), "boot", Random(1), now)


def credit(pool: str, number: int = 0, *, free: int = 100, sweeps: int = 4, boot: str = "b", version: int = VERSION) -> Credit:
    """A credit message of a worker of this pool."""
    return Credit(
        version=version,
        worker=f"{pool}-{number}@h",
        boot=boot,
        pool=pool,
        egress="default",
        methods=METHODS[pool],
        slots=100,
        free=free,
        seen=0,
        sweeps=sweeps if pool == "fast" else 0,
    )


def connect(rooms: Rooms, now: float = NOW) -> None:
    """Let a worker of every pool announce its credit."""
    for pool in METHODS:
        rooms.workers.note_credit(credit(pool), now)


def watch(rooms: Rooms, *names: str, at: float = NOW, priority: bool = False) -> Ids:
    """Watch these names, due at `at`."""
    domains = rooms.domains
    ids = domains.table.add_names(names, [name.rpartition(".")[2] for name in names])
    domains.stages.add_watched(ids, np.full(len(ids), priority), np.full(len(ids), at))
    domains.count_state(None, "UNKNOWN", len(ids))
    return ids


def sent_to(effects: list[Effect], kind: type) -> list[str]:
    """The workers that messages of this kind go to."""
    return [effect.worker for effect in effects if isinstance(effect, Send) and isinstance(effect.message, kind)]


def logged(effects: list[Effect], event: str) -> list[dict[str, object]]:
    """The fields of the log lines of this event."""
    return [effect.fields for effect in effects if isinstance(effect, LogLine) and effect.event == event]
