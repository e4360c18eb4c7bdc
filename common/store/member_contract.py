"""How instances of one store make themselves known to each other, and keep one INSTANCE_ID from being used twice.

The coordinator of every instance, leading or standing by, announces what it sees of its own instance. Over a database this is
a row; its readers list the rows (`Reader.members`). With the embedded store all instances share a state directory, in which
each has its heartbeats already (`common.instances`); what those lack is a file beside them. All methods raise `StoreError`
where the store cannot be read or written.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

#: Seconds between two announcements, and seconds after the last one for which a name is kept for the one that had it.
ANNOUNCE_EVERY, KEPT_FOR = 5.0, 15.0
#: Seconds after which an instance that was not stopped and announces itself no more is gone.
GONE_AFTER = 60.0


class ShownShard(Struct, frozen=True):
    """What an instance saw of a shard but the first: which instance leads that, and its own coordinator, as in `Shown`."""

    shard: int
    leader: str = ""
    epoch: int = 0
    coordinator_ago: float | None = None
    coordinator_started_at: float = 0.0


class Shown(Struct, frozen=True):
    """What an instance saw of itself. Seconds count back from its announcement; all else of an earlier version is absent."""

    host: str = ""
    processes: int = 0  # at work
    stopping: bool = False
    leader: str = ""  # the instance that leads, as far as it knows, and the epoch
    epoch: int = 0
    heard_ago: float = 0.0  # since its youngest heartbeat
    coordinator_ago: float | None = None  # since that of its coordinator; None where there is none
    coordinator_started_at: float = 0.0  # by the clock of its host
    shards: tuple[ShownShard, ...] = ()


class Member(Struct, frozen=True):
    """One instance as it announces itself. `incarnation` is random for each run of its coordinator's process."""

    name: str
    incarnation: str
    egress: str
    version: str
    started_at: float  # by the clock of its host
    shown: Shown


class SeenMember(NamedTuple):
    """An announcement, and when it was made, in epoch seconds by the clock of the database."""

    member: Member
    seen_at: float


class Roster(NamedTuple):
    """The announcements, and the present by the same clock; None where the store has no clock of its own."""

    members: tuple[SeenMember, ...] = ()
    now: float | None = None


def other_names(roster: Roster, own: str) -> frozenset[str] | None:
    """The other instances that were alive, or may be; None where that is not known."""
    if roster.now is None:
        return None
    return frozenset(seen.member.name for seen in roster.members if abs(roster.now - seen.seen_at) <= GONE_AFTER) - {own}


class Holder(NamedTuple):
    """Which incarnation has a name, on which host, and when it announced itself last, by the clock of the database."""

    incarnation: str
    host: str
    seen_at: float


class Members(Protocol):
    """The announcements of one store. Calls may come from any thread."""

    def announce(self, member: Member) -> Holder | None:
        """Say what an instance shows; None where that was taken.

        Where another incarnation has its name, and announced itself within `KEPT_FOR`, that one stays and is returned; not an
        earlier one in the same directory, which has ended.
        """
        ...

    def withdraw(self, member: Member) -> None:
        """Take an announcement back, unless another incarnation has its name by now."""
        ...

    def forget(self, age: float) -> None:
        """Remove what was announced last more than `age` seconds ago: for the instance that leads."""
        ...

    def close(self) -> None:
        """Release what connections there are. Calling it twice is harmless."""
        ...


@runtime_checkable
class SharedMembers(Members, Protocol):
    """The announcements of a store that instances on several hosts share."""

    def roster(self) -> Roster:
        """All announcements, as they are now."""
        ...
