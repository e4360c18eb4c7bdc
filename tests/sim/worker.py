"""A worker process of the simulation: what it has in hand, and the credit that it announces."""

from __future__ import annotations

from dataclasses import dataclass

from common.messages import VERSION, Credit

POOLS = {"fast": ("dns", "http"), "intermediate": ("rdap",), "deep": ("whois",), "notifier": ()}


@dataclass
class SimWorker:
    """One start of a worker process."""

    name: str
    pool: str
    boot: str
    methods: tuple[str, ...]
    alive: bool = True
    seen: int = 0
    busy: int = 0
    sweeping: int = 0
    slots: int = 16
    places: int = 0
    egress: str = "default"
    key: str = ""  # the CURVE key that it authenticates with, "" for the coordinator's own

    def credit(self) -> Credit:
        """What is free now."""
        return Credit(
            VERSION,
            self.name,
            self.boot,
            self.pool,
            self.egress,
            self.methods,
            self.slots,
            self.slots - self.busy,
            self.seen,
            0,
            self.places - self.sweeping,
        )
