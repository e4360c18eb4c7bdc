"""What a publication says about a name becomes evidence, dated when it was made, unless something younger says otherwise."""

from __future__ import annotations

import pytest

from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.methods import LIST
from common.core.model.publication import Listing
from common.core.model.records import Evidence
from common.core.verdict.learn_listing import learn_from_listing

MADE = 1_790_000_000.0
LISTED = Observation(
    LIST, Reading(Outcome.REGISTERED, "list_drop", "listed", Phase.PENDING_DELETE, release=(MADE + 9e4, MADE + 9e4 + 60))
)
AUCTION = Observation(LIST, Reading(Outcome.DROPPING, "list_auction", "auctioned"))


def entry_with(**evidence: tuple[Outcome, float]) -> Entry:
    """A name with answers by method: their outcome, and how many seconds after the list they came."""
    entry = Entry("a.uk", "uk", "a")
    for method, (outcome, later) in evidence.items():
        answer = Observation(method, Reading(outcome, "x", "x"))
        entry.detail.evidence[method] = Evidence(answer, MADE + later, MADE + later)
    return entry


@pytest.mark.parametrize(
    ("evidence", "taken"),
    [
        ({}, True),
        ({"rdap": (Outcome.UNREGISTERED, 1.0)}, False),
        ({"das": (Outcome.DROPPING, 1.0)}, False),
        ({"rdap": (Outcome.UNREGISTERED, 0.0)}, True),
        ({"rdap": (Outcome.REGISTERED, 1.0)}, True),
        ({"dns": (Outcome.UNREGISTERED, 1.0)}, True),
        ({"rdap": (Outcome.UNREGISTERED, -1.0), "whois": (Outcome.UNREGISTERED, 1.0)}, False),
        ({"list": (Outcome.REGISTERED, 1.0)}, False),
        ({"list": (Outcome.REGISTERED, 0.0)}, True),
    ],
)
def test_a_younger_answer_of_the_registry_beats_a_list(evidence: dict[str, tuple[Outcome, float]], taken: bool) -> None:
    """A name in its deletion is missing in the zone anyway, so that DNS says nothing against a list."""
    entry = entry_with(**evidence)
    before = dict(entry.detail.evidence)

    assert learn_from_listing(entry, Listing(LISTED, MADE)) is taken
    assert (entry.detail.evidence == before) is not taken
    assert (entry.detail.published is not None) is taken


@pytest.mark.parametrize(("purged_at", "taken"), [(MADE + 1, False), (MADE, True), (MADE - 1, True), (None, True)])
def test_a_list_from_before_the_purge_says_nothing(purged_at: float | None, taken: bool) -> None:
    """One from after it is a contradiction: the name is registered again."""
    entry = entry_with()
    entry.detail.purged_at, entry.detail.passes = purged_at, (MADE - 1,)

    assert learn_from_listing(entry, Listing(LISTED, MADE)) is taken
    assert entry.detail.purged_at == (None if taken else purged_at)
    assert entry.detail.passes == (() if taken else (MADE - 1,))
    assert entry.detail.contradicted_at == (MADE if taken else None)


def test_what_a_drop_list_says_is_learned() -> None:
    """When the name was last seen registered, its phase since then, and its release; no run was contradicted."""
    entry = entry_with()
    learn_from_listing(entry, Listing(LISTED, MADE))
    detail = entry.detail

    assert (detail.registered_seen, detail.phase, detail.phase_since) == (MADE, "pending_delete", MADE)
    assert detail.published == (MADE + 9e4, MADE + 9e4 + 60, "listed")
    assert detail.contradicted_at is None
    assert (detail.evidence[LIST].at, detail.evidence[LIST].first_at) == (MADE, MADE)
    learn_from_listing(entry, Listing(LISTED, MADE + 60))
    assert (detail.evidence[LIST].at, detail.evidence[LIST].first_at) == (MADE + 60, MADE)
    assert detail.phase_since == MADE


def test_what_was_seen_later_stays() -> None:
    """A list moves no time back."""
    entry = entry_with()
    entry.detail.registered_seen = MADE + 5

    assert learn_from_listing(entry, Listing(LISTED, MADE))
    assert entry.detail.registered_seen == MADE + 5


def test_an_auction_is_no_registration() -> None:
    """It begins a run of its own among the lists, and leaves the rest as it was."""
    entry = entry_with(list=(Outcome.REGISTERED, -60.0))
    entry.detail.purged_at, entry.detail.passes = MADE - 9, (MADE - 9,)

    assert learn_from_listing(entry, Listing(AUCTION, MADE))
    detail = entry.detail
    assert (detail.purged_at, detail.passes, detail.registered_seen, detail.published) == (MADE - 9, (MADE - 9,), None, None)
    assert (detail.evidence[LIST].at, detail.evidence[LIST].first_at) == (MADE, MADE)


def test_a_name_that_a_list_does_not_hold_any_more_is_as_without_it() -> None:
    """What answers said stays."""
    entry = entry_with(rdap=(Outcome.REGISTERED, -60.0))
    learn_from_listing(entry, Listing(LISTED, MADE))

    assert learn_from_listing(entry, Listing(None, MADE + 1))
    assert (set(entry.detail.evidence), entry.detail.published) == ({"rdap"}, None)
    assert not learn_from_listing(entry, Listing(None, MADE + 1))
