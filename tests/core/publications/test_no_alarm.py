"""No publication, nor all of them together, raises an alarm: it is evidence for a registration, or a reason to ask."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import pytest

from common.core.builtin.publication_rows import PUBLICATIONS
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.methods import LIST
from common.core.model.publication import Kind, Listing, Publication
from common.core.model.records import Evidence
from common.core.model.states import ANNOUNCED, State
from common.core.model.verdict import Situation
from common.core.publications.listings import make_listing
from common.core.verdict import gates
from common.core.verdict.learn_listing import learn_from_listing
from common.core.verdict.likelihoods import CAPS, FINDINGS
from common.core.verdict.verdicts import decide_verdict, log_odds, weigh_answer
from tests.core.checks.checks_room import NOW
from tests.core.publications.publications_room import PublicationsRoom

DAY = 86_400.0
NEEDS = gates.Requirements(gap=2.0, dns_counts=True, second_channel=False)
#: As favourable as a situation can be: a name on its last day, after many verified passes, with every gate open.
EASY = Situation(prior=9.0, p_registrable=1.0, phase=None, passes=(1.0, 2.0, 3.0), verified=(1.0, 2.0, 3.0))
LISTINGS = [
    (row.name, listing)
    for row in PUBLICATIONS
    if (listing := make_listing(row, NOW + DAY, NOW - 60, 0.0, NOW, size=9)) is not None and listing.observation is not None
]


def item_of(listing: Listing) -> Evidence:
    """The evidence that a listing becomes."""
    assert listing.observation is not None
    return Evidence(listing.observation, listing.made_at, listing.made_at)


@pytest.mark.parametrize(("name", "listing"), LISTINGS)
def test_no_listing_speaks_for_a_name_being_free(name: str, listing: Listing) -> None:
    """Neither its odds nor the gates take it for a denial, and no state that is announced follows."""
    evidence = {LIST: item_of(listing)}
    standing = gates.find_standing(evidence, NEEDS, gates.Run((1.0, 2.0), (1.0, 2.0)), lambda _method, _item: True, NOW)

    assert name
    assert log_odds(evidence, replace_situation(), NOW) <= 9.0
    assert gates.positive_methods(evidence, NEEDS, NOW) == []
    assert standing.positive == ()
    assert standing.open
    assert decide_verdict(evidence, replace_situation(), State.UNKNOWN, NOW).state not in ANNOUNCED


def replace_situation() -> Situation:
    """The favourable situation without passes: those precede nothing here."""
    return Situation(prior=EASY.prior, p_registrable=EASY.p_registrable)


def test_zones_and_lists_of_deleted_names_are_no_evidence_of_this_kind() -> None:
    """A zone is DNS, a deleted name is a reason to ask."""
    told = {row.kind for row in PUBLICATIONS if row.name in dict(LISTINGS)}

    assert told == {Kind.DROP_LIST, Kind.AUCTION_LIST, Kind.REGISTRATIONS}
    for row in PUBLICATIONS:
        if row.kind is Kind.DROP_LIST:
            assert make_listing(row, nan, NOW - 60, 0.0, NOW, size=9) is None
            assert make_listing(row, NOW, NOW - 60, 0.0, NOW, size=9) is None


def test_no_weight_of_a_publication_is_positive() -> None:
    """And its group can never be."""
    weights = [weight for weight in FINDINGS.values() if weight.group == "publication"]

    assert len(weights) == 4
    assert all(weight.llr <= 0 for weight in weights)
    assert CAPS["publication"] == (-9.0, 0.0)


def test_names_told_of_by_every_publication_are_not_announced() -> None:
    """Nor is a query saved that an alarm needs."""
    room = PublicationsRoom()
    names = [f"a.{suffix}" for suffix in ("uk", "se", "sk", "ee", "mx", "br")]
    room.watch_in(State.PENDING_DELETE, *names)
    for row in PUBLICATIONS:
        own = [name for name in names if name.endswith(row.suffixes)]
        for made_at, listed in ((NOW - 600, own), (NOW - 500, []), (NOW - 400, own)):
            room.tell(row.name, [(name, NOW + DAY) for name in listed], made_at=made_at)
    room.begin()

    states = {room.domains.state_of(int(name_id)) for name_id in range(len(names))}
    assert not states & ANNOUNCED
    assert not room.domains.journal.has_events() or State.AVAILABLE not in states


def test_from_its_release_on_a_drop_list_weighs_nothing() -> None:
    """It says until when the name is registered."""
    item = Evidence(
        Observation(LIST, Reading(Outcome.REGISTERED, "list_drop", "", release=(NOW, NOW + 60))), NOW - 3600, NOW - 3600
    )
    situation = replace_situation()

    before = weigh_answer(LIST, item, situation, NOW - 1)
    assert before is not None
    assert before[0] == "publication"
    assert before[1] < -7
    assert weigh_answer(LIST, item, situation, NOW) is None


def test_a_drop_list_shows_the_phase() -> None:
    """Like a record of the registry, until that is younger."""
    listed = Evidence(
        Observation(LIST, Reading(Outcome.REGISTERED, "list_drop", "listed", Phase.PENDING_DELETE)), NOW - 60, NOW - 60
    )
    record = Evidence(
        Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "", Phase.ACTIVE)), NOW - 30, NOW - 9000
    )

    assert decide_verdict({LIST: listed}, replace_situation(), State.UNKNOWN, NOW).state is State.PENDING_DELETE
    both = {LIST: listed, "rdap": record}
    assert decide_verdict(both, replace_situation(), State.PENDING_DELETE, NOW).state is State.REGISTERED


def test_a_younger_list_ends_a_run_of_passes() -> None:
    """The registry lists a name as registered that it denied before: an alarm has to begin anew."""
    room = PublicationsRoom()
    entry = room.load("a.uk")
    entry.detail.purged_at, entry.detail.passes, entry.detail.verified = NOW - 900, (NOW - 900,), (NOW - 900,)
    entry.detail.shown_by, entry.detail.offered = ("whois",), "ordinary"
    (listing,) = [listing for name, listing in LISTINGS if name == "uk-drops"]

    assert learn_from_listing(entry, listing)
    detail = entry.detail
    assert (detail.passes, detail.verified, detail.contradicted_at) == ((), (), NOW - 60)
    assert (detail.purged_at, detail.shown_by, detail.offered, detail.registered_seen) == (None, (), "", NOW - 60)


def test_of_two_lists_the_younger_one_counts() -> None:
    """And a list does not undo the last phase that a record showed."""
    room = PublicationsRoom()
    entry = room.load("a.uk")
    (listing,) = [listing for name, listing in LISTINGS if name == "uk-drops"]
    assert listing.observation is not None
    redemption = replace(listing, observation=with_phase(listing.observation, Phase.REDEMPTION), made_at=NOW - 30)

    assert learn_from_listing(entry, redemption)
    assert not learn_from_listing(entry, listing)
    assert entry.phase is Phase.REDEMPTION
    assert (entry.detail.phase_since, entry.detail.phase_after) == (NOW - 30, None)
    assert learn_from_listing(entry, replace(listing, made_at=NOW - 20))
    assert entry.phase is Phase.PENDING_DELETE
    assert learn_from_listing(entry, replace(redemption, made_at=NOW - 10))
    assert entry.phase is Phase.PENDING_DELETE
    assert entry.detail.evidence[LIST].first_at == NOW - 30
    assert learn_from_listing(entry, Listing(None, NOW))
    assert not learn_from_listing(entry, Listing(None, NOW))


def with_phase(observation: Observation, phase: Phase) -> Observation:
    """The observation with another phase."""
    reading = observation.reading
    return Observation(LIST, Reading(reading.outcome, reading.finding, reading.reason, phase, release=reading.release))


@pytest.mark.parametrize("row", PUBLICATIONS, ids=lambda row: row.name)
def test_what_a_listing_says_fits_into_its_bounds(row: Publication) -> None:
    """One short sentence, which names the suffix."""
    listing = make_listing(row, NOW + DAY, NOW - 60, NOW + DAY, NOW, size=10**9)
    if listing is None or listing.observation is None:
        return
    assert f".{row.suffixes[0]}" in listing.observation.reading.reason
    assert (row.url or row.server) in listing.observation.excerpt
    assert listing.quiet_until == (NOW + DAY if row.kind is Kind.DROP_LIST else 0.0)
    assert len(listing.observation.reading.reason) < 200
    assert len(listing.observation.excerpt) < 300
