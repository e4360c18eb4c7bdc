"""Which methods a check queries next: layers are climbed only as far as the evidence calls for it."""

from __future__ import annotations

import pytest

from common.core.checks.escalation import INCONCLUSIVE_CHECKS, ChannelOffer, next_methods
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.model.states import State

NOW = 1_790_000_000.0
BOTH = ChannelOffer(("rdap", "whois"), wildcard=False)
RESTING_ZONE = ChannelOffer(("rdap", "whois"), wildcard=False, resting=frozenset({"dns"}))


ALL = ChannelOffer(("rdap", "das", "epp", "whois"), wildcard=False, registrars=("registrar:one", "registrar:two"))
SILENT = ChannelOffer(
    ("rdap", "whois"),
    wildcard=False,
    resting=frozenset({"rdap", "whois"}),
    registrars=("registrar:one", "registrar:two", "registrar:3"),
)
ENDING = (State.PENDING_DELETE, Phase.PENDING_DELETE)


def entry(state: State = State.REGISTERED, phase: Phase | None = Phase.ACTIVE, registry_age: float = 60.0) -> Entry:
    """A name whose registry record is that old."""
    made = Entry("example.com", "com", "example", state=state)
    made.detail.phase = phase.value if phase else None
    made.detail.registry_at = NOW - registry_age
    made.detail.expires_epoch = NOW + 200 * 86_400
    return made


def after(said: dict[str, Outcome]) -> Check:
    """A check in which these methods have answered."""
    return Check(NOW, asked=set(said), outcomes=dict(said))


@pytest.mark.parametrize(
    ("name", "check", "channels", "wanted"),
    [
        (entry(), Check(NOW), BOTH, ["dns"]),
        (entry(), after({"dns": Outcome.REGISTERED}), BOTH, []),
        (entry(registry_age=8 * 86_400), after({"dns": Outcome.REGISTERED}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNREGISTERED}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNKNOWN}), BOTH, ["http"]),
        (entry(), after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN}), BOTH, []),
        (entry(State.UNKNOWN, None), after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN}), BOTH, ["rdap"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), BOTH, ["whois"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNKNOWN}), BOTH, ["whois"]),
        (entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.REGISTERED}), BOTH, []),
        (entry(State.PENDING_DELETE, Phase.PENDING_DELETE), Check(NOW), BOTH, ["rdap"]),
        (
            entry(State.PENDING_DELETE, Phase.PENDING_DELETE),
            after({"rdap": Outcome.UNREGISTERED}),
            BOTH,
            ["whois", "dns"],
        ),
        (entry(), Check(NOW, confirm=True), BOTH, ["dns", "rdap", "whois"]),
        (entry(), Check(NOW, confirm=True), RESTING_ZONE, ["rdap", "whois"]),
        (
            entry(),
            Check(NOW, confirm=True),
            ChannelOffer((), wildcard=False, resting=frozenset({"dns"})),
            ["dns"],
        ),
        (entry(), Check(NOW, manual=True), RESTING_ZONE, ["dns", "rdap", "whois"]),
        (entry(), Check(NOW), RESTING_ZONE, ["dns"]),
        (
            entry(State.PENDING_DELETE, Phase.PENDING_DELETE),
            after({"rdap": Outcome.UNREGISTERED}),
            RESTING_ZONE,
            ["whois"],
        ),
        (entry(), Check(NOW), ChannelOffer(("whois",), wildcard=True), ["whois"]),
        (entry(State.AVAILABLE, None), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), BOTH, ["whois"]),
    ],
)
def test_layers_are_climbed_only_as_far_as_the_evidence_asks(
    name: Entry, check: Check, channels: ChannelOffer, wanted: list[str]
) -> None:
    """Delegated names stop at one DNS query; after a first denial every channel is queried."""
    assert next_methods(name, check, channels, NOW) == wanted


def held(*shown_by: str, until: float = NOW + 60, suffix: str = "io") -> Entry:
    """A purged name that its release procedure holds back until then; these methods have shown that."""
    made = entry(State.DROPPING, Phase.PENDING_DELETE)
    made.suffix, made.held_until, made.detail.shown_by = suffix, until, shown_by
    return made


@pytest.mark.parametrize(
    ("name", "check", "wanted"),
    [
        # The channel that shows the procedure is asked first; while it does, nothing else is worth a query.
        (held(), after({"dns": Outcome.UNREGISTERED}), ["rdap"]),
        (held("whois"), after({"dns": Outcome.UNREGISTERED}), ["whois"]),
        (held(suffix="ee"), after({"dns": Outcome.UNREGISTERED}), ["whois"]),
        (held(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), []),
        (held("whois"), after({"dns": Outcome.UNREGISTERED, "whois": Outcome.DROPPING}), []),
        # Its denial ends the procedure, as its time does, and an operator's command asks everything.
        (held("whois"), after({"dns": Outcome.UNREGISTERED, "whois": Outcome.UNREGISTERED}), ["rdap"]),
        (held(suffix="ee"), after({"dns": Outcome.UNREGISTERED, "whois": Outcome.UNREGISTERED}), ["rdap"]),
        (held(until=NOW), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), ["whois"]),
        (
            held("whois"),
            Check(NOW, manual=True, asked={"dns", "rdap"}, outcomes={"rdap": Outcome.UNREGISTERED}),
            ["whois", "dns"],
        ),
    ],
)
def test_a_name_in_its_release_procedure_costs_one_query_a_look(name: Entry, check: Check, wanted: list[str]) -> None:
    """No alarm is possible before its end."""
    assert next_methods(name, check, BOTH, NOW) == [method for method in wanted if method not in check.asked]


def test_a_reservation_is_queried_again_after_a_day() -> None:
    """It can be lifted; until then one registry answer per check is enough."""
    name = entry(State.RESERVED, None)
    reserved = Observation("whois", Reading(Outcome.RESERVED, "whois_reserved", "reserved"))
    check = after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED})
    name.detail.evidence["whois"] = Evidence(reserved, NOW - 3600, NOW - 3600)
    assert next_methods(name, check, BOTH, NOW) == []

    name.detail.evidence["whois"] = Evidence(reserved, NOW - 86_400, NOW - 86_400)
    assert next_methods(name, check, BOTH, NOW) == ["whois"]
    name.state, name.detail.evidence["whois"] = State.REDEMPTION, Evidence(reserved, NOW, NOW)
    assert next_methods(name, check, BOTH, NOW) == ["whois"]


def test_the_registry_is_queried_after_inconclusive_checks_in_a_row() -> None:
    """A single DNS timeout is no reason; a web server that answers shows that the name is delegated."""
    assert INCONCLUSIVE_CHECKS == 2
    name = entry()
    silent = after({"dns": Outcome.UNKNOWN, "http": Outcome.UNKNOWN})
    name.detail.unknown_rounds = INCONCLUSIVE_CHECKS - 1
    assert next_methods(name, silent, BOTH, NOW) == []

    name.detail.unknown_rounds = INCONCLUSIVE_CHECKS
    assert next_methods(name, silent, BOTH, NOW) == ["rdap"]
    assert next_methods(name, after({"dns": Outcome.UNKNOWN, "http": Outcome.REGISTERED}), BOTH, NOW) == []


@pytest.mark.parametrize(
    ("offer", "methods"),
    [
        (BOTH, ["rdap", "whois"]),
        (ChannelOffer(("rdap", "whois"), wildcard=False, resting=frozenset({"rdap"})), ["whois"]),
        (ChannelOffer(("rdap", "whois"), wildcard=False, slow=frozenset({"whois"})), ["rdap"]),
        (ChannelOffer(("rdap", "whois"), wildcard=False, resting=frozenset({"rdap", "whois"})), ["rdap", "whois"]),
        (ChannelOffer((), wildcard=False), []),
    ],
)
def test_resting_and_slow_channels_are_queried_only_where_no_other_is_left(offer: ChannelOffer, methods: list[str]) -> None:
    """RDAP first."""
    assert offer.registry_methods() == methods


def test_a_slow_channel_is_queried_at_the_first_denial() -> None:
    """Once, beside the others: nothing waits for it later."""
    slow = ChannelOffer(("rdap", "whois"), wildcard=False, slow=frozenset({"whois"}))

    assert next_methods(entry(), after({"dns": Outcome.UNREGISTERED, "rdap": Outcome.UNREGISTERED}), slow, NOW) == ["whois"]
    assert next_methods(entry(), Check(NOW, confirm=True), slow, NOW) == ["dns", "rdap"]


# -- channels without a record, and registrars ---------------------------------------------------------------------------


def test_a_denial_stands_in_the_next_pass_where_its_channel_has_no_token() -> None:
    """The pass is made by the others, and all are asked where none is left."""
    spent = ChannelOffer(("rdap", "whois"), wildcard=False, spent=frozenset({"whois"}))
    both = ChannelOffer(("rdap", "whois"), wildcard=False, spent=frozenset({"rdap", "whois"}))
    second = Check(NOW, confirm=True, asked={"dns", "rdap"}, outcomes={"rdap": Outcome.UNREGISTERED})

    assert next_methods(entry(), Check(NOW, confirm=True), spent, NOW) == ["dns", "rdap"]
    assert next_methods(entry(), Check(NOW, confirm=True), both, NOW) == ["dns", "rdap", "whois"]
    assert next_methods(entry(), second, both, NOW) == []


def test_the_zone_alone_is_asked_about_a_held_name_whose_registry_was_asked_today() -> None:
    """Its record does not change unless the zone, or the calendar, says so."""
    held = entry(State.UNDELEGATED, Phase.UNDELEGATED)
    known = Evidence(Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200", "")), NOW - 60, NOW - 60)
    assert next_methods(held, Check(NOW), BOTH, NOW) == ["rdap"]
    held.detail.evidence["rdap"] = known

    assert next_methods(held, Check(NOW), BOTH, NOW) == ["dns"]
    assert next_methods(held, after({"dns": Outcome.UNREGISTERED}), BOTH, NOW) == []
    assert next_methods(held, after({"dns": Outcome.REGISTERED}), BOTH, NOW) == ["rdap"]


@pytest.mark.parametrize(
    ("offer", "records"),
    [
        (ALL, ["rdap", "whois"]),
        (ChannelOffer(("das", "epp", "whois"), wildcard=False), ["whois"]),
        (ChannelOffer(("rdap", "das", "whois"), wildcard=False, resting=frozenset({"rdap"})), ["whois"]),
        (ChannelOffer(("das", "whois"), wildcard=False, resting=frozenset({"whois"})), []),
        (ChannelOffer(("das", "whois"), wildcard=False, resting=frozenset({"das", "whois"})), ["whois"]),
        (ChannelOffer(("rdap", "das"), wildcard=False, slow=frozenset({"rdap"})), ["rdap"]),
        (ChannelOffer(("rdap", "das", "whois"), wildcard=False, slow=frozenset({"rdap"})), ["whois"]),
        (ChannelOffer(("rdap", "das"), wildcard=False, slow=frozenset({"rdap"}), resting=frozenset({"rdap"})), []),
        (ChannelOffer(("das", "epp"), wildcard=False), []),
    ],
)
def test_a_record_is_asked_for_where_one_is_shown(offer: ChannelOffer, records: list[str]) -> None:
    """Not of one that rests while another channel speaks, of a slow one where no other shows records; never of DAS and EPP."""
    assert offer.record_methods() == records


@pytest.mark.parametrize(
    ("offer", "methods"),
    [
        (ALL, ["rdap", "das", "epp", "whois"]),
        (SILENT, ["registrar:one", "registrar:two"]),
        (ChannelOffer((), wildcard=False, registrars=("registrar:one",)), ["registrar:one"]),
        (ChannelOffer((), wildcard=False), []),
        (ChannelOffer(("rdap",), wildcard=False, resting=frozenset({"rdap"})), ["rdap"]),
        (
            ChannelOffer(("rdap", "whois"), wildcard=False, resting=frozenset({"rdap"}), registrars=("registrar:one",)),
            ["whois"],
        ),
    ],
)
def test_two_registrars_stand_in_while_every_channel_of_the_registry_rests(offer: ChannelOffer, methods: list[str]) -> None:
    """Two are two sources; while one channel speaks none stands in, and without a registrar the registry is asked."""
    assert next_methods(entry(), Check(NOW, confirm=True), offer, NOW) == ["dns", *methods]


RESTING_RECORD = ChannelOffer(("das", "whois"), wildcard=False, resting=frozenset({"whois"}))
FREE, OWNED, SILENCE, REFUSED, PRICED = (
    Outcome.UNREGISTERED,
    Outcome.REGISTERED,
    Outcome.UNKNOWN,
    Outcome.UNAVAILABLE,
    Outcome.PREMIUM,
)


@pytest.mark.parametrize(
    ("name", "check", "channels", "wanted"),
    [
        # A registrar at the first denial, behind the registry's channels and the zone, and in each pass that knows no offer.
        (entry(), after({"dns": FREE, "rdap": FREE}), ALL, ["das", "epp", "whois", "registrar:one"]),
        (entry(*ENDING), after({"das": FREE}), ALL, ["rdap", "epp", "whois", "dns", "registrar:one"]),
        (entry(), after({"dns": FREE, "epp": PRICED}), ALL, ["rdap", "das", "whois", "registrar:one"]),
        (entry(), after({"dns": FREE, "whois": Outcome.RESERVED}), ALL, ["rdap", "das", "epp", "registrar:one"]),
        (entry(), after({"dns": FREE, "whois": Outcome.DROPPING}), ALL, ["rdap", "das", "epp", "registrar:one"]),
        (entry(State.RESERVED, None), after({"dns": FREE, "rdap": FREE}), ALL, ["das", "epp", "whois"]),
        # A channel that says "registered": one with its record, where that is due and none was asked.
        (entry(*ENDING, registry_age=8 * 86_400), after({"das": OWNED}), ALL, ["rdap"]),
        (entry(*ENDING), after({"das": OWNED}), ALL, []),
        (entry(*ENDING, registry_age=8 * 86_400), after({"das": OWNED, "whois": SILENCE}), ALL, []),
        (entry(*ENDING, registry_age=8 * 86_400), after({"rdap": OWNED}), ALL, []),
        (entry(), after({"dns": FREE, "registrar:one": OWNED, "rdap": SILENCE}), ALL, ["das"]),
        # A routine check of a name out of the zone: a record where one is due, else the first channel.
        (entry(*ENDING, registry_age=8 * 86_400), Check(NOW), ChannelOffer(("das", "whois"), wildcard=False), ["whois"]),
        (entry(*ENDING), Check(NOW), ChannelOffer(("das", "whois"), wildcard=False), ["das"]),
        (entry(*ENDING, registry_age=8 * 86_400), Check(NOW), ChannelOffer(("das",), wildcard=False), ["das"]),
        (entry(*ENDING, registry_age=8 * 86_400), Check(NOW), RESTING_RECORD, ["das"]),
        (entry(*ENDING, registry_age=8 * 86_400), after({"das": OWNED}), RESTING_RECORD, []),
        (entry(registry_age=8 * 86_400), after({"dns": OWNED}), RESTING_RECORD, []),
        (entry(*ENDING, registry_age=8 * 86_400), Check(NOW), SILENT, ["rdap"]),
        (entry(*ENDING), Check(NOW), ChannelOffer((), wildcard=False), ["dns"]),
        (entry(*ENDING), Check(NOW), ChannelOffer((), wildcard=True), []),
        (entry(registry_age=8 * 86_400), after({"dns": OWNED}), ChannelOffer(("das", "whois"), wildcard=False), ["whois"]),
        (entry(registry_age=8 * 86_400), after({"dns": OWNED}), ChannelOffer(("das",), wildcard=False), []),
        (entry(State.AVAILABLE, Phase.PENDING_DELETE), Check(NOW), ALL, ["dns"]),  # the record before: it is gone
        (entry(), Check(NOW, confirm=True), ChannelOffer(("das", "whois"), wildcard=True), ["das", "whois"]),
        (entry(State.UNDELEGATED), after({"dns": OWNED}), ALL, ["rdap"]),  # it is delegated, which the record did not say
        (entry(State.EXPIRED_GRACE), after({"dns": OWNED}), ALL, []),
        (entry(registry_age=8 * 86_400), after({"dns": OWNED, "rdap": SILENCE}), ALL, []),  # it is delegated: no hurry
        # Registrars while every channel of the registry rests.
        (entry(), after({"dns": FREE}), SILENT, ["registrar:one"]),
        (entry(*ENDING), Check(NOW), SILENT, ["registrar:one"]),
        (entry(), Check(NOW, confirm=True), SILENT, ["dns", "registrar:one", "registrar:two"]),
        (entry(), Check(NOW, manual=True), SILENT, ["dns", "rdap", "whois"]),
        (entry(), after({"dns": FREE, "registrar:one": SILENCE}), SILENT, ["rdap"]),
        (entry(), after({"dns": FREE, "registrar:one": FREE}), SILENT, ["rdap", "whois", "registrar:two"]),
        (entry(), after({"dns": SILENCE, "registrar:one": SILENCE}), SILENT, ["rdap"]),
        # A registrar where the last channel of the registry proved nothing about a name out of the zone.
        (entry(), after({"dns": FREE, "rdap": SILENCE, "whois": SILENCE}), SILENT, ["registrar:one"]),
        (entry(*ENDING), after({"rdap": SILENCE, "whois": SILENCE}), SILENT, ["registrar:one"]),
        (entry(), after({"dns": SILENCE, "http": SILENCE, "rdap": SILENCE, "whois": SILENCE}), SILENT, []),
        (entry(), after({"dns": FREE, "rdap": SILENCE, "whois": SILENCE, "registrar:one": REFUSED}), SILENT, ["registrar:two"]),
    ],
)
def test_scarce_sources_are_asked_where_they_tell_more(
    name: Entry, check: Check, channels: ChannelOffer, wanted: list[str]
) -> None:
    """Registrars stand behind the registry, and DAS and EPP beside the channels with a record."""
    assert next_methods(name, check, channels, NOW) == wanted


def test_a_confirming_pass_asks_a_registrar_only_where_no_offer_is_known() -> None:
    """One answer is enough for an announcement."""
    name = entry()
    check = Check(NOW, confirm=True, asked={"dns", "rdap", "das", "epp", "whois"}, outcomes={"rdap": FREE})
    assert next_methods(name, check, ALL, NOW) == ["registrar:one"]
    offer = Observation("registrar:one", Reading(FREE, "registrar_available_live", "it would"))
    name.detail.evidence["registrar:one"] = Evidence(offer, NOW - 60.0, NOW - 60.0)

    assert next_methods(name, check, ALL, NOW) == []


def test_a_pass_in_which_registrars_stand_in_asks_them_and_no_channel_that_rests() -> None:
    """The confirming one; a first denial is followed through every channel."""
    check = Check(NOW, confirm=True, asked={"dns", "registrar:one"}, outcomes={"registrar:one": FREE})

    assert next_methods(entry(), check, SILENT, NOW) == ["registrar:two"]
    check.asked.add("registrar:two")
    assert next_methods(entry(), check, SILENT, NOW) == []


@pytest.mark.parametrize(
    ("name", "check"),
    [(entry(), after({"dns": FREE})), (entry(*ENDING), Check(NOW)), (entry(State.AVAILABLE, None), after({"dns": FREE}))],
)
def test_where_no_registrar_is_due_the_registry_is_asked_though_it_rests(name: Entry, check: Check) -> None:
    """They answered a minute ago, or would create the name: what ends that is the registry."""
    for method in SILENT.registrars:
        name.note_observation(Observation(method, Reading(REFUSED, "registrar_unavailable", "it would not")), NOW - 60.0)

    assert next_methods(name, check, SILENT, NOW) == ["rdap"]


def test_a_registrar_is_not_asked_again_after_channels_that_proved_nothing_before_its_pause_is_over() -> None:
    """One that is due comes in its place."""
    name = entry(*ENDING)
    answer = Observation("registrar:one", Reading(REFUSED, "registrar_unavailable", "it would not"))
    name.note_observation(answer, NOW - 60.0)

    assert next_methods(name, after({"rdap": SILENCE, "whois": SILENCE}), SILENT, NOW) == ["registrar:two"]


def test_an_announced_name_is_asked_about_in_its_zone_alone_between_two_answers_of_its_registry() -> None:
    """Six hours apart on the second day; a delegation is followed up at once."""
    made = entry(State.AVAILABLE, Phase.PENDING_DELETE)
    made.since = NOW - 86_400
    denial = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", ""))
    made.detail.evidence["rdap"] = Evidence(denial, NOW - 6 * 3600 + 1, NOW - 86_400)
    assert next_methods(made, Check(NOW), BOTH, NOW) == ["dns"]
    assert next_methods(made, after({"dns": Outcome.UNREGISTERED}), BOTH, NOW) == []
    assert next_methods(made, after({"dns": Outcome.UNREGISTERED}), BOTH, NOW + 1) == ["rdap"]
    assert next_methods(made, after({"dns": Outcome.REGISTERED}), BOTH, NOW) == ["rdap"]
