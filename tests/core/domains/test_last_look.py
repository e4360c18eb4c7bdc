"""The last look of a sweep at a name: stored in forty bytes, and applied to the detail of its row."""

from __future__ import annotations

from common.core.domains.last_look import BLOCK, LAYOUT, SIZE, LastLook, apply_look, look_evidence, read_look
from common.core.domains.last_look_array import RECORD
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Detail, Evidence
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN

NOW = 1_790_000_000.0


def look_of(code: int, *, at: float = NOW, serial: int = 0) -> LastLook:
    """A look with this answer, the same since five seconds before."""
    return LastLook(
        checked_at=at, next_check=0.0, dns_at=at, dns_first=at - 5.0, serial=serial, code=code, address="192.0.2.1:53/udp"
    )


def answer_at(method: str, at: float, outcome: Outcome = Outcome.UNREGISTERED) -> Evidence:
    """An answer of a single query."""
    return Evidence(Observation(method, Reading(outcome, f"{method}_finding", "so it says")), at, at)


def test_a_delegation_seen_by_a_sweep_ends_a_run_of_passes() -> None:
    """As a single query does: the name is in the zone, so a deletion that seemed to begin is doubted."""
    detail = Detail(passes=(NOW - 60.0,), purged_at=NOW - 60.0)
    made = apply_look(detail, look_of(DELEGATED, serial=0), "com")
    later = apply_look(detail, look_of(NXDOMAIN, serial=7), "com")

    assert (made.passes, made.purged_at, made.contradicted_at, made.registered_seen) == ((), None, NOW, NOW)
    assert (later.passes, later.purged_at, later.registered_seen) == (detail.passes, detail.purged_at, None)


def test_a_delegation_seen_by_a_sweep_forgets_what_was_said_of_the_absence_before() -> None:
    """As a single query does: the next deletion of the name is another one, and its price too."""
    detail = Detail(purged_at=NOW - 60.0, shown_by=("whois",), offered="premium")
    made = apply_look(detail, look_of(DELEGATED), "com")
    later = apply_look(detail, look_of(NXDOMAIN, serial=7), "com")

    assert (made.purged_at, made.shown_by, made.offered) == (None, (), "")
    assert (later.purged_at, later.shown_by, later.offered) == (NOW - 60.0, ("whois",), "premium")


def test_the_record_has_the_same_bytes_for_one_name_and_for_many() -> None:
    """What an array of records writes is read one by one without numpy."""
    assert RECORD.itemsize == SIZE == 40


def test_a_look_is_read_from_its_place_in_a_block() -> None:
    """None where no look was noted, and where the block is cut short."""
    record = LAYOUT.pack(NOW, NOW + 60, NOW, NOW - 5, 7, 1, NXDOMAIN, 0)
    block = bytes(SIZE) + record

    assert read_look(block, 0, {}) is None
    assert read_look(block, 1, {1: "192.0.2.1:53/udp"}) == LastLook(
        checked_at=NOW, next_check=NOW + 60, dns_at=NOW, dns_first=NOW - 5, serial=7, code=NXDOMAIN, address="192.0.2.1:53/udp"
    )
    assert read_look(block[:-1], 1, {}) is None
    assert read_look(block, BLOCK, {}) is None


def test_a_look_without_a_plain_answer_is_no_evidence() -> None:
    """The sweep noted when it looked, and the name needs a single check."""
    assert look_evidence(look_of(0), "com") is None
    detail = Detail(evidence={"dns": answer_at("dns", NOW - 60)})
    assert apply_look(detail, look_of(0), "com") is detail
    assert apply_look(detail, None, "com") is detail


def test_of_two_dns_answers_the_younger_one_counts() -> None:
    """Other methods keep theirs; DNS trouble from before the look is over."""
    detail = Detail(
        evidence={"dns": answer_at("dns", NOW - 60), "rdap": answer_at("rdap", NOW - 50)},
        trouble={"dns": answer_at("dns", NOW - 30, Outcome.UNKNOWN), "rdap": answer_at("rdap", NOW - 30, Outcome.UNKNOWN)},
    )
    made = apply_look(detail, look_of(NXDOMAIN, serial=7), "com")
    found = made.evidence["dns"]

    assert (found.at, found.first_at, found.observation.server, found.observation.reading.serial) == (NOW, NOW - 5, "com", 7)
    assert made.evidence["rdap"] is detail.evidence["rdap"]
    assert list(made.trouble) == ["rdap"]
    assert apply_look(detail, look_of(NXDOMAIN, at=NOW - 60), "com") is detail
