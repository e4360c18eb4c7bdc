"""Tells senders of messages apart by their CURVE keys, whatever name a message carries.

Inside the coordinator a worker with a key of its own is called `<name>#<mark>`: the mark stands for the key, and no name
contains "#". So a message with one key never passes for one of a worker with another, and the workers of one key count as one.
"""

from __future__ import annotations

from msgspec.structs import replace

from common.messages import Bye, Command, Credit, Promise, PublicationPart, PublicationStatus, Upward

MARK = "#"


def key_of(worker: str) -> str:
    """The mark of the key that a worker authenticated with; "" for the coordinator's own key, and on a bus without keys."""
    return worker.partition(MARK)[2]


def name_without_key(worker: str) -> str:
    """The name that a worker uses itself, as in its topic."""
    return worker.partition(MARK)[0]


def mark_sender(message: Upward, mark: str) -> Upward | None:
    """The message with its sender's mark; None where only a host with the coordinator's own key may send such a message.

    These are commands of the control process, promises of other instances, which have the same key, what registries publish,
    and everything of the notifier pool: no other host may claim that a callback was delivered.
    """
    if not mark:
        return message
    if isinstance(message, Command | Promise | PublicationPart | PublicationStatus):
        return None
    if isinstance(message, Bye):
        return replace(message, worker=message.worker + MARK + mark)
    credit = message if isinstance(message, Credit) else message.credit
    if credit.pool == "notifier":
        return None
    credit = replace(credit, worker=credit.worker + MARK + mark)
    return credit if isinstance(message, Credit) else replace(message, credit=credit)
