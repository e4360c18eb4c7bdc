"""The registry model: lives go on by themselves, and the truth is known for every moment."""

from __future__ import annotations

import pytest

from tests.lab.clock import DAY, YEAR, LabClock
from tests.lab.model import OperationError, Phase, Registry
from tests.lab.suffixes import registrable
from tests.lab.truth import Truth


class Wall:
    """A wall clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def __call__(self) -> float:
        """The time it stands at."""
        return self.time


@pytest.fixture
def wall() -> Wall:
    """A clock to move by hand."""
    return Wall()


@pytest.fixture
def registry(wall: Wall) -> Registry:
    """An empty registry on that clock."""
    return Registry(LabClock(wall=wall))


def _days(wall: Wall, registry: Registry, days: float) -> None:
    wall.time += days * DAY
    registry.advance()


def test_a_gtld_name_that_is_not_renewed_lives_through_every_phase_and_is_purged(wall: Wall, registry: Registry) -> None:
    """Active a year, grace 45 days with the expiry a year ahead, redemption 30, pending delete 5, then free."""
    entry = registry.register("example.com")
    first_expiry = entry.expires
    phases = []
    for days in (364, 2, 45, 30, 5):
        _days(wall, registry, days)
        found = registry.find("example.com")
        phases.append((found.phase, found.delegated, found.expires) if found else None)

    assert phases == [
        (Phase.ACTIVE, True, first_expiry),
        (Phase.AUTO_RENEW, True, pytest.approx(first_expiry + YEAR, abs=2 * DAY)),
        (Phase.REDEMPTION, False, pytest.approx(first_expiry, abs=2 * DAY)),
        (Phase.PENDING_DELETE, False, pytest.approx(first_expiry, abs=2 * DAY)),
        None,
    ]
    assert registry.truth("example.com") is Truth.UNREGISTERED


def test_every_registry_keeps_its_own_calendar(wall: Wall, registry: Registry) -> None:
    """A .de name goes straight from expiry to redemption and is free 30 days later; a .se name takes 77 days."""
    for name in ("example.de", "example.se"):
        registry.register(name)
        registry.expire(name)
    free: dict[str, int] = {}
    for day in range(1, 90):
        _days(wall, registry, 1)
        for name in ("example.de", "example.se"):
            if registry.truth(name) is Truth.UNREGISTERED:
                free.setdefault(name, day)

    assert free == {"example.de": 30, "example.se": 77}


def test_a_renewed_or_restored_name_is_not_purged_by_its_old_calendar(wall: Wall, registry: Registry) -> None:
    """What was scheduled for an earlier phase is void once the phase was left."""
    registry.register("renewed.com")
    registry.expire("renewed.com")
    registry.register("restored.com", years=3)
    registry.pending_delete("restored.com")
    _days(wall, registry, 3)
    registry.renew("renewed.com")
    registry.restore("restored.com")
    _days(wall, registry, 100)

    assert registry.names["renewed.com"].phase is Phase.ACTIVE
    assert registry.names["restored.com"].phase is Phase.ACTIVE
    assert registry.names["restored.com"].delegated


def test_a_caught_name_is_a_new_object(registry: Registry) -> None:
    """A new ROID and another registrar; the log knows both changes."""
    old = registry.register("example.com")
    registry.purge("example.com")
    new = registry.catch("example.com", registrar="Somebody Else")

    assert new.roid != old.roid
    assert new.registrar == "Somebody Else"
    assert [change.deed for change in registry.log.of("example.com")] == ["register", "purge", "catch"]


def test_a_purged_io_name_waits_in_the_dropzone(wall: Wall, registry: Registry) -> None:
    """It has no object, yet is not free for a day."""
    registry.register("example.io")
    registry.purge("example.io")
    inside = registry.truth("example.io")
    _days(wall, registry, 1.1)

    assert inside is Truth.DROPZONE
    assert registry.truth("example.io") is Truth.UNREGISTERED


def test_the_truth_is_known_for_every_moment(wall: Wall, registry: Registry) -> None:
    """What held then, what held within a span, and when a name became free."""
    begin = wall.time
    registry.register("example.com")
    wall.time += 10
    registry.purge("example.com")
    wall.time += 4
    registry.catch("example.com")
    log = registry.log

    assert [log.at("example.com", begin + second) for second in (5, 12, 15)] == [
        Truth.REGISTERED,
        Truth.UNREGISTERED,
        Truth.REGISTERED,
    ]
    assert Truth.UNREGISTERED in log.during("example.com", begin + 11, begin + 20)
    assert log.during("example.com", begin + 15, begin + 20) == {Truth.REGISTERED}
    assert log.during("example.com", begin - 5, begin + 5) == {Truth.REGISTERED}
    assert log.freed_at("example.com") == begin + 10


def test_a_name_that_was_freed_twice_was_freed_last_before_the_moment_asked_about(wall: Wall, registry: Registry) -> None:
    """Never before its first purge; what came after that moment does not count."""
    begin = wall.time
    registry.register("example.com")
    for seconds, deed in ((10, registry.purge), (5, registry.catch), (20, registry.purge)):
        wall.time += seconds
        deed("example.com")
    log = registry.log

    assert [log.freed_at("example.com", begin + moment) for moment in (9, 10, 34, 35)] == [
        None,
        begin + 10,
        begin + 10,
        begin + 35,
    ]
    assert log.freed_at("example.com") == begin + 35


def test_the_clock_can_run_fast_and_jump(wall: Wall) -> None:
    """Registry time follows the wall clock at its speed; a jump does not change the speed."""
    clock = LabClock(wall=wall, speed=1000, start=0.0)
    wall.time += 2
    fast = clock.now()
    clock.set(now=50_000)
    wall.time += 1

    assert fast == 2000
    assert clock.now() == 51_000


def test_scheduled_actions_happen_in_order(wall: Wall, registry: Registry) -> None:
    """By due time, not by when they were scheduled."""
    done: list[str] = []
    registry.at(20, lambda: done.append("later"))
    registry.at(10, lambda: done.append("sooner"))
    wall.time += 15
    registry.advance()
    halfway = list(done)
    wall.time += 15
    registry.advance()

    assert halfway == ["sooner"]
    assert done == ["sooner", "later"]


@pytest.mark.parametrize("name", ["com", "co.uk", "www.example.com", "example.test", ""])
def test_only_registrable_names_can_be_registered(registry: Registry, name: str) -> None:
    """Neither a suffix, nor a host below a name, nor a foreign name."""
    with pytest.raises(OperationError):
        registry.register(name)


def test_a_name_registered_or_withheld_twice_is_refused(registry: Registry) -> None:
    """Operations that a registry would refuse raise."""
    registry.register("example.com")

    with pytest.raises(OperationError):
        registry.register("example.com")
    with pytest.raises(OperationError):
        registry.reserve("example.com")
    with pytest.raises(OperationError):
        registry.renew("other.com")


def test_the_longest_suffix_counts() -> None:
    """A third-level registration belongs to co.uk, not to uk."""
    found = registrable("www.example.co.uk")

    assert found is not None
    assert (found[0], found[1].label) == ("example.co.uk", "co.uk")
    assert registrable("co.uk") is None
