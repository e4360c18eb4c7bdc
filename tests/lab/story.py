"""The demo's cast: what happens to which name and when, and whether the customer must hear "available" about it.

Two parts: `stage` sets the scene before the product starts (dates as they would be on the day of a drop), `play` schedules the
acts once it is watching. Everything an act does is an operation of the registry model or a fault of a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.lab.clock import DAY
from tests.lab.control import operation
from tests.lab.faults import FaultTable
from tests.lab.model import Registry
from tests.lab.suffixes import registrable
from tests.lab.truth import Truth

#: Registry seconds that a name of the story would still have had before its purge, had the story not purged it.
_SLACK = 1800.0


class Alarm(StrEnum):
    """Whether an "available" notice is due. `may` is for names that are free too briefly to be promised."""

    MUST = "must"
    MUST_NOT = "must not"
    MAY = "may"


class Scene(StrEnum):
    """How a name stands when the product first sees it."""

    HEALTHY = "healthy"
    GRACE = "expired, in the registrar's grace period"
    REDEMPTION = "in redemption"
    LAST_DAY = "on the last day before its purge"
    HELD = "registered, on hold, not in the zone"
    INACTIVE = "registered without name servers"
    INLINE = "registered, addresses inside the registry's zone, no delegation"
    RESERVED = "reserved by the registry"
    BLOCKED = "blocked by a brand-blocking service"
    PREMIUM = "free, at a premium price"


@dataclass(frozen=True, slots=True)
class Act:
    """One deed, `at` seconds after the curtain."""

    at: float
    deed: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Role:
    """One name of the cast."""

    name: str
    scene: Scene = Scene.HEALTHY
    alarm: Alarm = Alarm.MUST_NOT
    priority: bool = False
    acts: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """A server misbehaves, `at` seconds after the curtain, for `seconds`."""

    at: float
    server: str
    fault: str
    seconds: float
    told: str
    count: int | None = None
    delay: float | None = None


def _drops(name: str, at: float, *, priority: bool = False) -> Role:
    return Role(name, Scene.LAST_DAY, Alarm.MUST, priority, (Act(at, "purge"),))


def _caught(name: str, at: float, after: float, *, priority: bool = True) -> Role:
    return Role(name, Scene.LAST_DAY, Alarm.MAY, priority, (Act(at, "purge"), Act(at + after, "catch")))


def _withheld(name: str, at: float, then: Truth) -> Role:
    return Role(name, Scene.LAST_DAY, acts=(Act(at, "purge", {"then": then}),))


def _listed(name: str, at: float, ahead: float) -> Role:
    """Enters its last days `at` seconds after the curtain: the registry lists it, and purges it `ahead` seconds later."""
    suffix = registrable(name)
    assert suffix is not None
    arguments = {"ago_days": suffix[1].pending_days - ahead / DAY}
    return Role(name, Scene.REDEMPTION, Alarm.MUST, acts=(Act(at, "pending_delete", arguments),))


def _settled(suffix: str, *labels: str) -> tuple[Role, ...]:
    return tuple(Role(f"{label}.{suffix}") for label in labels)


#: The name that the registry puts on its drop list; the publications that the product reads.
LISTED, PUBLISHED = "on-the-list.co.uk", ("uk-drops",)
#: The registrar whose API the product has a key for: it says what can be created, and for how much.
REGISTRAR = "namecom"

CAST: tuple[Role, ...] = (
    # .com
    _drops("amber-falls.com", 6, priority=True),
    _drops("copper-lantern.com", 14),
    _drops("quiet-harbour.com", 27, priority=True),
    _caught("winter-orchard.com", 10, 5),
    Role("second-wind.com", Scene.LAST_DAY, acts=(Act(12, "restore"),)),
    Role("paid-in-time.com", Scene.GRACE, acts=(Act(9, "renew"),)),
    Role("paused-shop.com", acts=(Act(8, "hold"),)),
    Role("long-on-hold.com", Scene.HELD),
    _withheld("rare-gem.com", 13, Truth.PREMIUM),  # RDAP and WHOIS call it free, a registrar asks another price for it
    Role("moving-house.com", acts=(Act(20, "transfer"),)),
    Role("slow-farewell.com", Scene.REDEMPTION),
    *_settled("com", "granite-press", "northern-tea", "violet-engine", "paper-compass", "river-ledger"),
    # .org
    _drops("open-meadow.org", 9, priority=True),
    _drops("stone-bridge.org", 22),
    _withheld("kept-back.org", 16, Truth.RESERVED),
    Role("no-servers.org", Scene.INACTIVE),
    Role("registry-word.org", Scene.RESERVED),
    Role("saved-late.org", Scene.REDEMPTION, acts=(Act(11, "pending_restore"), Act(18, "restore"))),
    *_settled("org", "harvest-moon", "quiet-valley", "common-thread"),
    # .io: purged names wait in the registry's Dropzone; its RDAP server lies for a while
    Role("dropped-star.io", Scene.LAST_DAY, acts=(Act(13, "purge"),)),
    Role("brand-fence.io", Scene.BLOCKED),
    Role("golden-word.io", Scene.PREMIUM),
    Role("kept-word.io", Scene.RESERVED),
    Role("dark-signal.io", Scene.HELD, priority=True),
    *_settled("io", "plain-kernel", "small-cluster", "tidy-queue"),
    # .co.uk and .uk
    _drops("tea-and-rain.co.uk", 11, priority=True),
    _drops("brick-lane-bikes.co.uk", 24),
    _caught("market-corner.co.uk", 19, 4),
    _listed(LISTED, 1, 9),
    Role("late-payer.co.uk", Scene.GRACE, acts=(Act(15, "renew"),)),
    *_settled("co.uk", "harbour-books", "moor-and-fell", "cobble-street", "green-kettle"),
    *_settled("uk", "harbour-books", "north-pier", "old-mill"),
    # .se: no RDAP, only WHOIS
    _drops("norrsken-kaffe.se", 8, priority=True),
    _drops("lugn-vind.se", 21),
    Role("vilande-butik.se", Scene.REDEMPTION),
    *_settled("se", "bla-stuga", "skogens-ljus", "havsbris", "fyra-vindar"),
    # .de: free straight after redemption
    _drops("stille-post.de", 12, priority=True),
    _drops("kleine-werft.de", 25),
    Role("nur-eintrag.de", Scene.INLINE),
    Role("warteschleife.de", Scene.REDEMPTION),
    *_settled("de", "alte-schmiede", "blaue-stunde", "nordlicht-tee", "waldrand"),
    # .ws: every label has an address, registered or not; its WHOIS server throttles
    Role("wild-card.ws", Scene.HELD),
    Role("calm-lagoon.ws", Scene.REDEMPTION),
    *_settled("ws", "coral-post", "island-time", "palm-radio", "blue-reef"),
)

TROUBLES: tuple[Trouble, ...] = (
    Trouble(5, "whois/ws", "throttle", 20, "the .ws WHOIS server answers everybody with a throttle text"),
    Trouble(7, "rdap/io", "lying-404", 20, "the .io RDAP server says 404 about every name, registered or not"),
    Trouble(17, "rdap/com", "429-retry-after", 30, "the .com RDAP server answers one query with 429, Retry-After: 1", 1, 1),
    Trouble(18, "callback", "503", 10, "the customer's receiver answers two callbacks with 503, Retry-After: 1", 2, 1),
    Trouble(20, "dns/uk", "silence", 3, "the .uk name servers fall silent for three seconds"),
)

#: Seconds after the curtain when the last act is over.
LAST_ACT = max(act.at for role in CAST for act in role.acts)


def _last_day(registry: Registry, name: str) -> None:
    """As it would look today, had it been deleted in time: a registry calendar's length ago, minus the slack."""
    found = registrable(name)
    assert found is not None
    suffix = found[1]
    early = 5 if suffix.auto_renews else 0  # there the registrar chooses the day; elsewhere all is counted from the expiry
    registry.expire(name, ago_days=suffix.grace_days + suffix.redemption_days + suffix.pending_days - early)
    if suffix.pending_days:
        registry.delete(name, ago_days=suffix.redemption_days + suffix.pending_days)
        registry.pending_delete(name, ago_days=suffix.pending_days - _SLACK / DAY)
    else:
        registry.delete(name, ago_days=suffix.redemption_days - _SLACK / DAY)


def _redemption(registry: Registry, name: str) -> None:
    found = registrable(name)
    assert found is not None
    registry.expire(name, ago_days=found[1].grace_days + 3)
    registry.delete(name, ago_days=3)


_SCENES: dict[Scene, Callable[[Registry, str], None]] = {
    Scene.HEALTHY: lambda _registry, _name: None,
    Scene.GRACE: lambda registry, name: registry.expire(name, ago_days=6),
    Scene.REDEMPTION: _redemption,
    Scene.LAST_DAY: _last_day,
    Scene.HELD: lambda registry, name: registry.hold(name),
    Scene.INACTIVE: lambda registry, name: registry.delegate(name),
    Scene.INLINE: lambda registry, name: registry.inline(name),
}
_UNREGISTERED: dict[Scene, Callable[[Registry, str], None]] = {
    Scene.RESERVED: Registry.reserve,
    Scene.BLOCKED: Registry.block,
    Scene.PREMIUM: Registry.premium,
}


def stage(registry: Registry, cast: Iterable[Role] = CAST) -> None:
    """Set the scene."""
    for role in cast:
        withheld = _UNREGISTERED.get(role.scene)
        if withheld is not None:
            withheld(registry, role.name)
            continue
        registry.register(role.name, age_years=4)
        _SCENES[role.scene](registry, role.name)


def play(
    registry: Registry, faults: FaultTable, tell: Callable[[str], None], cast: Iterable[Role] = CAST, *, until: float = LAST_ACT
) -> None:
    """Schedule every act and trouble up to `until` seconds from now, the curtain; `tell` hears of troubles as they begin."""
    curtain = registry.clock.now()
    for role in cast:
        for act in role.acts:
            if act.at <= until:
                registry.when(curtain + act.at, _deed(registry, role.name, act))
    for trouble in TROUBLES:
        if trouble.at <= until:
            registry.when(curtain + trouble.at, _mischief(faults, trouble, tell))


def _deed(registry: Registry, name: str, act: Act) -> Callable[[], None]:
    return lambda: operation(registry, name, act.deed, dict(act.arguments))


def _mischief(faults: FaultTable, trouble: Trouble, tell: Callable[[str], None]) -> Callable[[], None]:
    def begin() -> None:
        faults.add(trouble.server, trouble.fault, seconds=trouble.seconds, count=trouble.count, delay=trouble.delay)
        tell(trouble.told)

    return begin
