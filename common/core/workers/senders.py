"""Who said it: a bus with CURVE keys knows which key a message came with, whatever name its sender gives itself.

Inside the coordinator a worker with a key of its own is called `<name>#<mark>`; the mark stands for the key, and no name has a
"#". So no key can speak for the workers of another, and the workers of one key count as one.
"""

from __future__ import annotations

from msgspec.structs import replace

from common.messages import Bye, Command, Credit, Upward

MARK = "#"


def key_of(worker: str) -> str:
    """The mark of the key that a worker authenticated with; "" for the coordinator's own key, or a bus without keys."""
    return worker.partition(MARK)[2]


def name_without_key(worker: str) -> str:
    """What a worker calls itself: the name in its topic."""
    return worker.partition(MARK)[0]


def mark_sender(message: Upward, mark: str) -> Upward | None:
    """A message with its sender's mark; None for what only the coordinator's own host may say.

    That is the commands of control, and that a callback was taken: its receiver is known there only.
    """
    if not mark:
        return message
    if isinstance(message, Command):
        return None
    if isinstance(message, Bye):
        return replace(message, worker=message.worker + MARK + mark)
    credit = message if isinstance(message, Credit) else message.credit
    if credit.pool == "notifier":
        return None
    credit = replace(credit, worker=credit.worker + MARK + mark)
    return credit if isinstance(message, Credit) else replace(message, credit=credit)
