"""What decides which instance leads: one lease at a time, each with a fencing epoch that is higher than all before.

Only the instance that leads writes the store. Its coordinator renews the lease; where it does not, another instance takes the
next epoch, and whatever the earlier one still tries to write is refused. Every implementation passes
`tests/store/test_lease_contract.py`. All methods raise `StoreError` where the leases cannot be read or written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

from msgspec import Struct


class Addresses(NamedTuple):
    """Where an instance is, or will be, reached as the leader of an epoch."""

    bus: str
    feed: str
    server_key: str = ""
    outside: str = ""
    place: str = ""


class Leader(Struct, frozen=True):
    """The instance that leads, and where it is reached."""

    instance: str
    boot: str  # of the run of its coordinator
    epoch: int
    bus: str  # base of its work sockets (`common.bus.bus_endpoints`)
    feed: str  # its inner feed
    server_key: str = ""  # its CURVE public key (Z85), "" where it has none
    outside: str = (
        ""  # the same base for other hosts, on tcp: work sockets there and on the next port, inner feed on the one after
    )
    place: str = ""  # tells whether another process sees the directory of `bus` (`common.bus.leader_way`)

    def addresses(self) -> Addresses:
        """Where it is reached."""
        return Addresses(self.bus, self.feed, self.server_key, self.outside, self.place)


class Lease(Protocol):
    """A lease that was taken."""

    leader: Leader

    def is_valid(self) -> bool:
        """Whether it is certain, by this process' own clock, that the lease has not run out. Cheap; no I/O."""
        ...

    def renew(self) -> None:
        """Extend the lease. Raises LeaseLost where another instance has taken the next epoch, StoreError to try again."""
        ...

    def release(self) -> None:
        """Give the lease up: another instance takes over at once. Calling it twice is harmless."""
        ...


class Leases(Protocol):
    """The leases of one store."""

    def find(self) -> Leader | None:
        """The leader whose lease has not run out, as far as is known; None where any instance may take the next epoch."""
        ...

    def take(self, instance: str, boot: str, addresses: Callable[[int], Addresses]) -> Lease | None:
        """Take the next epoch; None where another instance leads, or was faster. `addresses` is given the epoch."""
        ...

    def close(self) -> None:
        """Release what connections there are, but no lease. Calling it twice is harmless."""
        ...


@runtime_checkable
class RemoteLeases(Leases, Protocol):
    """The leases of a store whose server may be away."""

    def is_released(self, epoch: int, boot: str) -> bool:
        """Whether the leader of an epoch has given its lease up, or another one has taken over."""
        ...

    def release_ended(self, epoch: int, boot: str) -> None:
        """Give up the lease of a leader that is certain to lead no more; nothing where another one has taken over."""
        ...
