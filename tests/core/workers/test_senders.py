"""Senders of messages on a bus with keys: a message speaks for workers of its own key only, and never for this host."""

from __future__ import annotations

import pytest

from common.core.workers.leases import MOST_OF_KEY, Workers
from common.core.workers.senders import key_of, mark_sender, name_without_key
from common.messages import (
    VERSION,
    Bye,
    Command,
    Credit,
    DeliveryResult,
    DeliveryResults,
    Promise,
    PublicationPart,
    PublicationStatus,
    Results,
    Upward,
)

CREDIT = Credit(VERSION, "fast-0@sim", "b1", "fast", "default", ("dns",), 16, 16, 0)
NOTIFIER = Credit(VERSION, "notifier-9@sim", "b", "notifier", "default", (), 16, 16, 0)


@pytest.mark.parametrize("message", [CREDIT, Bye("fast-0@sim", "b1"), Results(CREDIT, ())])
def test_a_worker_is_known_by_its_name_and_its_key(message: Upward) -> None:
    """Two keys with one name are two workers; the coordinator's own key adds nothing."""
    assert mark_sender(message, "") == message
    found = mark_sender(message, "k#@1")
    assert isinstance(found, Credit | Bye | Results)
    worker = found.credit.worker if isinstance(found, Results) else found.worker
    assert (name_without_key(worker), key_of(worker)) == ("fast-0@sim", "k#@1")


@pytest.mark.parametrize(
    "message",
    [
        Command("refresh"),
        Promise("two", 3, "boot", 1.0),
        PublicationPart("uk", 1.0, 2.0, 0, True, 0, ()),
        PublicationStatus("uk", 1.0, None, "", 0, 0.0),
        NOTIFIER,
        DeliveryResults(NOTIFIER, (DeliveryResult("a", 200),)),
    ],
)
def test_messages_of_this_host_alone_are_dropped_with_a_key(message: Upward) -> None:
    """The key of a worker neither gives commands nor claims that callbacks were delivered."""
    assert mark_sender(message, "key") is None
    assert mark_sender(message, "") == message


def test_workers_of_one_key_leave_room_for_others() -> None:
    """Even where each of them has answered something, so that none of them can be dropped."""
    workers = Workers("boot")
    for number in range(MOST_OF_KEY):
        credit = mark_sender(Credit(VERSION, f"fast-{number}@evil", "b", "fast", "e", ("dns",), 9, 9, 0), "key")
        assert isinstance(credit, Credit)
        assert workers.admits_worker(credit)
        workers.note_credit(credit, 0.0)
    one_more = Credit(VERSION, "fast-x@evil", "b", "fast", "e", ("dns",), 9, 9, 0)
    more = mark_sender(one_more, "key")
    assert isinstance(more, Credit)
    assert not workers.admits_worker(more)
    assert workers.admits_worker(one_more)
