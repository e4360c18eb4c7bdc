"""One registry model feeds every server of the lab: names, their lives, and what the registries hold back.

Pure: time comes from the clock passed in, and nothing here opens a socket. Lives go on by themselves (expiry, grace,
redemption, pending delete, purge) on registry time; every operation can also be done at once, by a test, the
story or the control API.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from tests.lab.clock import DAY, YEAR, LabClock
from tests.lab.suffixes import SUFFIXES, Suffix, registrable
from tests.lab.truth import Truth, TruthLog

HOSTING = ("ns1.lab-hosting.com", "ns2.lab-hosting.com")
PARKING = ("ns1.lab-parking.org", "ns2.lab-parking.org")
#: A zone whose serial is Unix time is published this often, in seconds, changed or not.
_PUBLISHED = 15
REGISTRAR = "Lab Registrar One"
CATCHER = "Lab Dropcatch Two"


class Phase(StrEnum):
    """Where a registration stands (RFC 5731, RFC 3915)."""

    ACTIVE = "active"
    AUTO_RENEW = "auto renew"
    REDEMPTION = "redemption"
    PENDING_RESTORE = "pending restore"
    PENDING_DELETE = "pending delete"


OUT_OF_ZONE = frozenset({Phase.REDEMPTION, Phase.PENDING_RESTORE, Phase.PENDING_DELETE})


@dataclass(slots=True)
class Registration:
    """One object in a registry database. Times are registry time in epoch seconds; `ends` is when the phase ends by itself."""

    name: str
    suffix: Suffix
    roid: str
    registrar: str
    nameservers: tuple[str, ...]
    created: float
    updated: float
    expires: float
    phase: Phase = Phase.ACTIVE
    held: bool = False
    inline: bool = False  # addresses kept inside the registry's zone, no delegation (DENIC's NSentry)
    ends: float | None = None

    @property
    def delegated(self) -> bool:
        """Whether the zone carries name servers for it."""
        return bool(self.nameservers) and not self.held and not self.inline and self.phase not in OUT_OF_ZONE


class OperationError(ValueError):
    """The registry refuses: no such name, wrong phase, not registrable."""


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    action: Callable[[], None] = field(compare=False)


class Registry:
    """All registries of the lab in one table."""

    def __init__(self, clock: LabClock) -> None:
        self.clock = clock
        self.started = clock.now()
        self.log = TruthLog()
        self.names: dict[str, Registration] = {}
        self.withheld: dict[str, Truth] = {}  # no object, yet not creatable: reserved, blocked, premium, dropzone
        self.changed: dict[str, tuple[int, float]] = {}  # suffix -> (number of changes, wall time of the last)
        self.told: list[Callable[[str, str], None]] = []  # called with (name, deed) after every operation
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._roids = itertools.count(1001)

    # what the servers ask

    def advance(self) -> None:
        """Do everything that is due by now, in order."""
        while self._due and self._due[0].at <= self.clock.now():
            heapq.heappop(self._due).action()

    def find(self, name: str) -> Registration | None:
        """The registration of exactly `name` (lower-case A-label), if there is one now."""
        self.advance()
        return self.names.get(name)

    def truth(self, name: str, when: float | None = None) -> Truth:
        """The truth at wall-clock time `when`, or now."""
        self.advance()
        return self.log.at(name, self.clock.wall() if when is None else when)

    def version(self, suffix: Suffix | None = None) -> tuple[int, int]:
        """(changes of the data, publication of the zone): grows whenever answers under `suffix`, or any, may have changed."""
        self.advance()
        if suffix is None:
            return len(self.log.changes), 0
        published = int(self.clock.wall() // _PUBLISHED) if suffix.unix_serial else 0
        return self.changed.get(suffix.label, (0, 0.0))[0], published

    def serial(self, suffix: Suffix) -> int:
        """SOA serial of a suffix: Unix time of the zone version where the registry does so, else a counter."""
        count, at = self.changed.get(suffix.label, (0, self.clock.wall()))
        if suffix.unix_serial:
            return int(max(at, self.clock.wall() // _PUBLISHED * _PUBLISHED))
        return 2_026_000_000 + count

    # time

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Schedule `action` for `seconds` of registry time after the registry was started."""
        self.when(self.started + seconds, action)

    def when(self, moment: float, action: Callable[[], None]) -> None:
        """Schedule `action` for a moment of registry time."""
        heapq.heappush(self._due, _Due(moment, next(self._order), action))

    def _ends(self, entry: Registration, moment: float, action: Callable[[str], None]) -> None:
        entry.ends = moment
        roid, phase = entry.roid, entry.phase

        def act() -> None:
            current = self.names.get(entry.name)
            if current is not None and current.roid == roid and current.phase is phase and current.ends == moment:
                action(entry.name)

        self.when(moment, act)

    # operations

    def register(
        self,
        name: str,
        *,
        registrar: str = REGISTRAR,
        nameservers: Iterable[str] = HOSTING,
        years: float = 1,
        age_years: float = 0,
        deed: str = "register",
    ) -> Registration:
        """Create `name` now, or as if `age_years` ago; it expires `years` after now. Raises OperationError if it cannot be."""
        suffix = self._suffix(name)
        if name in self.names:
            raise OperationError(f"{name} is registered")
        now = self.clock.now()
        roid = f"D{next(self._roids)}-{suffix.label.upper().replace('.', '')}"
        created = now - age_years * YEAR
        entry = Registration(name, suffix, roid, registrar, tuple(nameservers), created, created, now + years * YEAR)
        self.withheld.pop(name, None)
        self.names[name] = entry
        self._ends(entry, entry.expires, self.expire)
        self._note(name, Truth.REGISTERED, deed)
        return entry

    def catch(self, name: str, *, registrar: str = CATCHER, nameservers: Iterable[str] = PARKING) -> Registration:
        """Register a dropped name again for another registrant: new object, new ROID."""
        return self.register(name, registrar=registrar, nameservers=nameservers, deed="catch")

    def renew(self, name: str, *, years: float = 1) -> None:
        """The holder pays: back to active."""
        entry = self._entry(name)
        if entry.phase in OUT_OF_ZONE:
            raise OperationError(f"{name} is in {entry.phase}")
        grown = entry.phase is Phase.AUTO_RENEW and entry.suffix.auto_renews  # the year was added at expiry already
        entry.expires += 0 if grown else years * YEAR
        self._enter(entry, Phase.ACTIVE, "renew")

    def expire(self, name: str, *, ago_days: float = 0) -> None:
        """The registered period ends; gTLD registries renew it for a year while the registrar makes up its mind."""
        entry = self._entry(name)
        entry.expires = self.clock.now() - ago_days * DAY + (YEAR if entry.suffix.auto_renews else 0)
        if not entry.suffix.grace_days:
            self.delete(name)
            return
        self._enter(entry, Phase.AUTO_RENEW, "expire", ago_days, entry.suffix.grace_days, self.delete)

    def delete(self, name: str, *, ago_days: float = 0) -> None:
        """The registrar deletes: out of the zone, restorable for a while."""
        entry = self._entry(name)
        if entry.phase is Phase.AUTO_RENEW and entry.suffix.auto_renews:
            entry.expires -= YEAR  # the automatic renewal is taken back
        self._enter(entry, Phase.REDEMPTION, "delete", ago_days, entry.suffix.redemption_days, self._after_redemption)

    def _after_redemption(self, name: str) -> None:
        if self._entry(name).suffix.pending_days:
            self.pending_delete(name)
        else:
            self.purge(name)

    def pending_delete(self, name: str, *, ago_days: float = 0) -> None:
        """The last days: nothing can save it now (the lab still lets `restore`)."""
        entry = self._entry(name)
        days = entry.suffix.pending_days or ago_days
        self._enter(entry, Phase.PENDING_DELETE, "pending_delete", ago_days, days, self.purge)

    def pending_restore(self, name: str) -> None:
        """A restore was asked for and its report is awaited (RFC 3915)."""
        self._enter(self._entry(name), Phase.PENDING_RESTORE, "pending_restore")

    def restore(self, name: str) -> None:
        """Back to active, in the zone again, with a year more."""
        entry = self._entry(name)
        entry.expires = self.clock.now() + YEAR
        self._enter(entry, Phase.ACTIVE, "restore")

    def purge(self, name: str, *, then: Truth = Truth.UNREGISTERED) -> None:
        """The object goes. Where the registry has a Dropzone the name waits there; `then` can withhold it at once."""
        suffix = self._entry(name).suffix
        del self.names[name]
        if then is Truth.UNREGISTERED and suffix.dropzone_days:
            self.withheld[name] = Truth.DROPZONE
            self.when(self.clock.now() + suffix.dropzone_days * DAY, lambda: self._leave_dropzone(name))
        elif then is not Truth.UNREGISTERED:
            self.withheld[name] = then
        self._note(name, self.withheld.get(name, Truth.UNREGISTERED), "purge")

    def _leave_dropzone(self, name: str) -> None:
        if self.withheld.get(name) is Truth.DROPZONE:
            self.release(name)

    def hold(self, name: str, *, held: bool = True) -> None:
        """Client hold: registered, but out of the zone."""
        entry = self._entry(name)
        entry.held = held
        entry.updated = self.clock.now()
        self._note(name, Truth.REGISTERED, "hold" if held else "unhold")

    def delegate(self, name: str, *, nameservers: Iterable[str] = ()) -> None:
        """Set the name servers; none makes it inactive."""
        entry = self._entry(name)
        entry.nameservers = tuple(nameservers)
        entry.updated = self.clock.now()
        self._note(name, Truth.REGISTERED, "delegate")

    def inline(self, name: str) -> None:
        """Keep its addresses inside the registry's zone, without a delegation."""
        entry = self._entry(name)
        entry.inline = True
        entry.updated = self.clock.now()
        self._note(name, Truth.REGISTERED, "inline")

    def transfer(self, name: str, *, registrar: str = CATCHER) -> None:
        """Another registrar, the same object."""
        entry = self._entry(name)
        entry.registrar = registrar
        entry.updated = self.clock.now()
        self._note(name, Truth.REGISTERED, "transfer")

    def withhold(self, name: str, truth: Truth) -> None:
        """Reserve, block or price a name that has no object."""
        self._suffix(name)
        if name in self.names:
            raise OperationError(f"{name} is registered")
        self.withheld[name] = truth
        self._note(name, truth, truth.value)

    def reserve(self, name: str) -> None:
        """The registry keeps it for itself."""
        self.withhold(name, Truth.RESERVED)

    def block(self, name: str) -> None:
        """A brand-blocking service keeps it."""
        self.withhold(name, Truth.BLOCKED)

    def premium(self, name: str) -> None:
        """Creatable, at another price."""
        self.withhold(name, Truth.PREMIUM)

    def release(self, name: str) -> None:
        """A withheld name becomes free to register."""
        if self.withheld.pop(name, None) is None:
            raise OperationError(f"{name} is not withheld")
        self._note(name, Truth.UNREGISTERED, "release")

    def populate(self, suffix: str, count: int, *, stem: str = "filler") -> list[str]:
        """Register `count` plain names under `suffix` and return them."""
        names = [f"{stem}-{index:05d}.{suffix}" for index in range(count)]
        for name in names:
            self.register(name, age_years=3)
        return names

    # helpers

    def _enter(
        self,
        entry: Registration,
        phase: Phase,
        deed: str,
        ago_days: float = 0,
        days: float = 0,
        after: Callable[[str], None] | None = None,
    ) -> None:
        now = self.clock.now()
        entry.phase = phase
        entry.updated = now - ago_days * DAY
        if after is None:
            if phase is Phase.ACTIVE:
                self._ends(entry, entry.expires, self.expire)
            else:
                entry.ends = None
        else:
            self._ends(entry, entry.updated + days * DAY, after)
        self._note(entry.name, Truth.REGISTERED, deed)

    def _note(self, name: str, truth: Truth, deed: str) -> None:
        at = self.clock.wall()
        self.log.add(at, name, truth, deed)
        label = self._suffix(name).label
        self.changed[label] = (self.changed.get(label, (0, 0.0))[0] + 1, at)
        for listener in self.told:
            listener(name, deed)

    def _entry(self, name: str) -> Registration:
        entry = self.names.get(name)
        if entry is None:
            raise OperationError(f"{name} is not registered")
        return entry

    @staticmethod
    def _suffix(name: str) -> Suffix:
        found = registrable(name)
        if found is None or found[0] != name or name in SUFFIXES:
            raise OperationError(f"{name!r} cannot be registered here")
        return found[1]
