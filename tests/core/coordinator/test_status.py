"""The status map: plain, bounded, without domain names, with what limits us first."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from common.core.coordinator.merged_status import MOST_CHANNELS, SHOWN
from common.core.coordinator.status import Status
from common.core.coordinator.wiring import Rooms
from common.core.model.channel import ChannelKey
from common.core.model.effects import Publish
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.shards.layout import Layout
from common.core.trust.canary_gaps import PATIENCE
from tests.core.coordinator.cores import NOW, connect, logged, new_rooms, policy_of, watch

RDAP = ChannelKey("rdap", "rdap.com.test", "com")


def busy_rooms() -> Rooms:
    """Rooms in which names are due, queued and admitted."""
    rooms = new_rooms()
    connect(rooms)
    ids = watch(rooms, *(f"name{number}.com" for number in range(9)))
    rooms.domains.stages.take_due(NOW, 6, priority=False)
    rooms.domains.stages.queue_for_sweep(ids[:4])
    rooms.sweep_queues.add_names("com", ids[:4], np.full(4, NOW), NOW, urgent=False)
    rooms.starts.request_checks(ids[4:6], np.full(2, NOW), urgent=True)
    return rooms


def test_the_status_is_plain_and_names_no_domain() -> None:
    """It can be written as JSON."""
    text = json.dumps(Status(busy_rooms(), policy_of()).build_status(NOW), default=list)

    assert "name1" not in text


def test_the_queues_say_how_many_names_are_where() -> None:
    """By the keys of the contract."""
    queue = Status(busy_rooms(), policy_of()).build_status(NOW)["queue"]

    assert (queue["due"], queue["in_line"], queue["wanted"], queue["in_hand"]) == (3, 4, 2, 0)


def test_budgets_that_limit_us_come_first_and_their_number_is_bounded() -> None:
    """The others follow by operator."""
    rooms = new_rooms()
    for number in range(SHOWN + 10):
        rooms.rate_limits.budgets.available_tokens(Limit(f"whois/s{number:04}", 1.0, 1, None), "default", NOW)
    throttled = Observation("whois", Reading(Outcome.THROTTLED, "whois_throttled", "slow", retry_after=600.0))
    rooms.rate_limits.budgets.note_answer(Limit("whois/s0205", 1.0, 1, None), "default", throttled, NOW)
    shown = Status(rooms, policy_of()).build_status(NOW)["budgets"]

    assert len(shown) == SHOWN
    assert [row["operator"] for row in shown[:2]] == ["whois/s0205", "whois/s0000"]


def test_a_silent_channel_is_shown_with_its_reason() -> None:
    """Since when, after how many answers, and whether it is dead."""
    rooms = busy_rooms()
    for second in range(3):
        rooms.channels.healths.note_outcome(RDAP, Outcome.UNKNOWN, "no answer", NOW + second, 1.0)
    status = Status(rooms, policy_of()).build_status(NOW + 3)
    (row,) = status["channels"]

    assert (row["method"], row["server"], row["answers"], row["reason"]) == ("rdap", "rdap.com.test", 3, "no answer")
    assert len(status["channels"]) <= MOST_CHANNELS
    assert status["channels_dead"] == {"dns": 0, "rdap": 0, "whois": 0}


def test_a_suffix_without_a_working_canary_is_shown_with_a_remedy_and_warned_about() -> None:
    """Once an hour in the log."""
    rooms = busy_rooms()
    rooms.canaries.gaps.set_waiting("name1.com", [RDAP], NOW)
    status, late = Status(rooms, policy_of()), NOW + PATIENCE + 1
    (gap,) = status.build_status(late)["trust_gaps"]
    assert (gap["suffix"], gap["names"], gap["since"]) == ("com", 1, NOW)
    assert "CANARIES_FILE" in gap["remedy"]
    assert gap["servers"][0]["reason"] == "has not found a name known to be registered yet"

    for _ in range(2):
        status.publish_status(late)
    assert len(logged(rooms.effects.take_planned(), "no_canary_works")) == 1


def test_a_server_in_quarantine_comes_first_with_its_reason() -> None:
    """A verified one follows."""
    rooms = busy_rooms()
    verified = rooms.trust.row_of(ChannelKey("whois", "whois.com.test", "com"))
    verified.registered_ok = verified.free_ok = NOW - 10
    lying = rooms.trust.row_of(RDAP)
    lying.quarantined_until, lying.reason = NOW + 60, "it denied known.com"
    shown = Status(rooms, policy_of()).build_status(NOW)["trust"]

    assert [(row["method"], row["green"], row["reason"]) for row in shown] == [
        ("rdap", False, "it denied known.com"),
        ("whois", True, ""),
    ]


def test_the_service_is_ready_once_a_list_is_known_and_no_problem_leaves_names_unwatched() -> None:
    """An empty list counts too."""
    rooms = new_rooms()
    status = Status(rooms, policy_of())
    assert not status.build_status(NOW)["ready"]
    rooms.intake.state.loaded_at = NOW

    assert status.build_status(NOW)["ready"]


def test_a_shard_of_the_watch_list_says_which_one_it_is() -> None:
    """In the status and in the head of each map; a whole list is no shard."""
    whole = Status(new_rooms(), policy_of()).build_status(NOW)
    policy = replace(policy_of(), layout=Layout(shards=3), shard=2)
    rooms = new_rooms(policy)
    status = Status(rooms, policy)
    part = status.build_status(NOW)
    status.publish_status(NOW)

    assert "shard" not in whole
    assert (part["shard"], part["shards"]) == (2, 3)
    (published,) = [effect for effect in rooms.effects.take_planned() if isinstance(effect, Publish)]
    assert published.build()["shard"] == 2
