"""The problems of the running system: each is found from the state of the rooms, and none where all is well."""

from __future__ import annotations

import dataclasses

import pytest

from common.core.coordinator.self_check import NOTHING_ASKED, SLOW_COMMIT, WEDGED, WEDGED_SPAN, SelfCheck
from common.core.coordinator.wiring import Policy, Rooms
from common.core.domains.journal import SpoolState
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.registries.sources import Source
from common.core.telemetry.problems import Problem
from common.core.telemetry.reach import SILENT, SILENT_SPAN
from tests.core.coordinator.cores import METHODS, NOW, connect, credit, logged, new_rooms, policy_of, watch

POLICY = policy_of()
CLEAN = Observation("registrar:gandi", Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "it cannot be created"))


def watching(policy: Policy = POLICY) -> tuple[Rooms, SelfCheck]:
    """Rooms with names and a worker of every pool, in which all is well."""
    rooms = new_rooms(policy)
    connect(rooms)
    watch(rooms, "a.com", "b.com", at=NOW + 1e6)
    rooms.intake.state.loaded_at = NOW
    return rooms, SelfCheck(rooms, policy)


def problems(check: SelfCheck, now: float = NOW) -> dict[str, Problem]:
    """The conditions that hold now, by code."""
    return {problem.code: problem for problem in check.find_problems(now)}


def test_where_all_is_well_there_is_no_problem() -> None:
    """Right after a start too."""
    _, check = watching()

    assert problems(check) == {}


def test_without_any_checker_names_go_unwatched() -> None:
    """One problem for all pools, beside that of the notifiers."""
    rooms = new_rooms()
    watch(rooms, "a.com")
    found = list(SelfCheck(rooms, policy_of()).find_problems(NOW))

    assert [problem.about for problem in found if problem.code == "no_workers"] == ["checkers"]
    assert all(problem.unwatched for problem in found if problem.code == "no_workers")


@pytest.mark.parametrize(("pool", "unwatched"), [("fast", True), ("deep", False), ("notifier", False)])
def test_a_pool_that_lost_its_workers_is_named(pool: str, *, unwatched: bool) -> None:
    """Only the pool that watches the zones leaves names unwatched."""
    rooms, check = watching()
    assert problems(check) == {}
    rooms.workers.drop_left(f"{pool}-0@h", "b")
    found = problems(check)["no_workers"]

    assert (found.about, found.unwatched) == (pool, unwatched)


def test_workers_whose_leases_all_run_out_are_wedged() -> None:
    """A restart helps; one slow answer is no hang."""
    rooms, check = watching()
    rooms.telemetry.reach.note_worker_timeout("fast", NOW)
    assert problems(check, NOW + 1) == {}
    for second in range(WEDGED):
        rooms.telemetry.reach.note_worker_timeout("fast", NOW + second * WEDGED_SPAN)
    found = problems(check, NOW + WEDGED * WEDGED_SPAN)["workers_wedged"]

    assert (found.about, found.restart_helps, found.unwatched) == ("fast", True, True)


def test_workers_without_a_free_slot_and_without_a_lease_are_wedged() -> None:
    """All their slots are taken by nothing of ours."""
    rooms, check = watching()
    rooms.workers.note_credit(credit("fast", free=0), NOW)

    assert problems(check)["workers_wedged"].about == "fast"


def test_names_that_are_due_while_no_query_leaves_are_a_problem_after_minutes() -> None:
    """Whatever the cause; a query that leaves ends it."""
    rooms, check = watching()
    watch(rooms, "due.com", at=NOW - 1)
    assert problems(check) == {}
    late = NOW + NOTHING_ASKED + 1
    assert problems(check, late)["nothing_asked"].since == NOW
    rooms.telemetry.reach.asked_at = late

    assert problems(check, late + 1) == {}


def test_a_store_that_cannot_be_written_or_is_slow_is_a_problem() -> None:
    """With the reason in its text."""
    rooms, check = watching()
    rooms.domains.journal.unwritable = "no space left"
    assert "no space left" in problems(check)["disk_full"].what
    rooms.domains.journal.is_away = True
    found = problems(check)
    assert found.keys() == {"store_away"}
    assert (found["store_away"].unwatched, found["store_away"].restart_helps) == (True, False)
    assert "no space left" in found["store_away"].what
    rooms.domains.journal.is_away = False
    rooms.domains.journal.unwritable = ""
    rooms.domains.journal.writing_since = NOW

    assert problems(check, NOW + SLOW_COMMIT) == {}
    assert problems(check, NOW + SLOW_COMMIT + 1)["store_slow"].restart_helps


def test_a_store_that_is_away_while_checks_go_on_leaves_no_name_unwatched() -> None:
    """It says since when, and how much waits; where nothing more can be kept, that counts."""
    rooms, check = watching()
    rooms.domains.journal.spool = SpoolState("it cannot be reached", 17, NOW - 60)
    (problem,) = problems(check).values()
    assert (problem.code, problem.unwatched, problem.restart_helps, problem.since) == ("store_away", False, False, NOW - 60)
    assert "17 transactions" in problem.what
    assert "it cannot be reached. Names are checked and notices are sent" in problem.what
    rooms.domains.journal.unwritable, rooms.domains.journal.is_away = "the file is full", True
    (problem,) = problems(check).values()
    assert problem.unwatched


def test_names_checked_too_long_ago_are_counted_once_in_a_while() -> None:
    """An hour of three intervals and more."""
    rooms, check = watching()
    rooms.domains.started = rooms.intake.state.loaded_at = NOW - 86_400
    table = rooms.domains.table
    table.checked_at[:2] = NOW - 7200
    assert check.count_overdue(NOW) == 0
    table.checked_at[:2] = NOW - 3 * 3600 - 700
    assert check.count_overdue(NOW) == 2

    assert problems(check)["names_overdue"].unwatched


def test_servers_that_answer_nothing_are_told_apart() -> None:
    """Nothing anywhere, or one method while others answer."""
    rooms, check = watching()
    reach = rooms.telemetry.reach
    for number in range(SILENT + 5):
        for method in ("dns", "rdap", "whois"):
            at = NOW + number * (SILENT_SPAN / SILENT)
            reach.note_answer(method, (Outcome.UNKNOWN, f"{method}_timeout"), (f"{method}{number}", f"s{number}"), at)
    found = problems(check, NOW + 2 * SILENT_SPAN)
    assert set(found) == {"no_answers"}
    assert found["no_answers"].unwatched
    reach.note_answer("dns", (Outcome.REGISTERED, ""), ("a", "com"), NOW + 2 * SILENT_SPAN)

    assert "no_answers" not in problems(check, NOW + 2 * SILENT_SPAN)


def test_the_list_has_problems_of_its_own() -> None:
    """It cannot be read, is held back, or has no names."""
    rooms, check = watching()
    state = rooms.intake.state
    state.source, state.error = "https://list.test/token", "https://list.test/token: the answer is 500"
    assert "the answer is 500" in problems(check)["list_failing"].what
    assert "token" not in problems(check)["list_failing"].what
    state.error, state.held = None, "it lost 90 % of its names"
    assert "lost 90 %" in problems(check)["list_held"].what

    empty = new_rooms()
    empty.intake.state.loaded_at = NOW
    connect(empty)
    assert set(problems(SelfCheck(empty, policy_of()))) == {"no_names"}


def test_callbacks_that_were_given_up_are_a_problem_until_they_are_sent_again() -> None:
    """With their number."""
    rooms, check = watching()
    rooms.deliveries.parked = 2

    assert "2 callbacks" in problems(check)["callbacks_parked"].what


@pytest.mark.parametrize("configured", [True, False])
def test_an_endpoint_that_refuses_everything_is_a_problem_where_there_is_one(*, configured: bool) -> None:
    """Names stay watched."""
    rooms, check = watching(policy_of(callbacks=configured))
    for second in range(5):
        rooms.telemetry.reach.note_callback(403, NOW + 10 * second)

    assert ("callbacks_failing" in problems(check, NOW + 60)) is configured


def test_a_problem_is_logged_when_it_begins_and_when_it_ends() -> None:
    """And counted by its code."""
    rooms, check = watching()
    rooms.deliveries.parked = 1
    check.note_problems(NOW)
    assert [fields["code"] for fields in logged(rooms.effects.take_planned(), "problem_began")] == ["callbacks_parked"]
    rooms.deliveries.parked = 0
    check.note_problems(NOW + 60)

    assert [fields["code"] for fields in logged(rooms.effects.take_planned(), "problem_ended")] == ["callbacks_parked"]
    assert set(METHODS) == {"fast", "intermediate", "deep", "notifier"}


def test_a_source_that_refuses_our_key_is_a_problem_until_it_answers_or_is_reset() -> None:
    """With its operator and the remedy; names stay watched, and no restart is called for. Other refusals are not its matter."""
    sources = tuple(Source(method=f"registrar:{vendor}", url="https://api.test") for vendor in ("gandi", "ovh"))
    policy = dataclasses.replace(POLICY, limits={}, sources=sources)
    rooms, check = watching(policy)
    budgets = rooms.rate_limits.budgets
    refused = Observation("registrar:gandi", unknown_reading("registrar_refused", "it refuses our key"), status=401)
    for operator in ("registrar/gandi", "rdap/example"):
        budgets.note_answer(Limit(operator, 1.0, 1), "a", refused, NOW)
    found = problems(check)["source_refused"]

    assert found.what == "Our key, account or address is refused by registrar/gandi."
    assert found.remedy == (
        "Correct the key or the account and restart the service; where only the other side was mended, reset the budget: "
        "POST /budgets/registrar/gandi/reset."
    )
    assert (found.restart_helps, found.unwatched, found.about) == (False, False, "")
    budgets.note_answer(Limit("registrar/ovh", 1.0, 1), "a", refused, NOW)
    assert "registrar/gandi, registrar/ovh." in problems(check)["source_refused"].what
    budgets.reset_operator("registrar/ovh", NOW)
    budgets.note_answer(Limit("registrar/gandi", 1.0, 1), "b", CLEAN, NOW + 1)
    assert problems(check) == {}
    assert problems(watching()[1]) == {}


def test_a_problem_names_ten_operators_at_most() -> None:
    """However many accounts are refused."""
    sources = tuple(Source(method="epp", url=f"epp{number}.test:700") for number in range(10, 22))
    rooms, check = watching(dataclasses.replace(POLICY, limits={}, sources=sources))
    refused = Observation("epp", unknown_reading("epp_refused", "it refuses our account"))
    for number in range(10, 20):
        rooms.rate_limits.budgets.note_answer(Limit(f"epp/epp{number}.test", 1.0, 1), "a", refused, NOW)
    assert problems(check)["source_refused"].what.endswith("epp/epp18.test, epp/epp19.test.")
    assert problems(check)["source_refused"].remedy == "Correct the key or the account and restart the service."
    for number in (20, 21):
        rooms.rate_limits.budgets.note_answer(Limit(f"epp/epp{number}.test", 1.0, 1), "a", refused, NOW)

    assert problems(check)["source_refused"].what.endswith("epp/epp19.test and 2 more.")
