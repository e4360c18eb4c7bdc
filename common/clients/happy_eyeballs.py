"""The first connection that stands, of all addresses of a host (RFC 8305)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from common.errors import ClientError

_Made = TypeVar("_Made")


async def dial_first(
    addresses: Sequence[str], dial: Callable[[str], Awaitable[_Made]], hang_up: Callable[[_Made], None], delay: float
) -> _Made:
    """What `dial` made of the first address that answers; connections that come too late are hung up, without a word said.

    After `delay` seconds, or at once after a failure, the next address is tried beside those that say nothing. Raises the
    first trouble where none answers.
    """
    left = iter(alternate_families(addresses))
    running: list[asyncio.Task[_Made]] = []
    trouble: BaseException | None = None
    try:
        while True:
            address = next(left, None)
            if address is not None:
                running.append(asyncio.ensure_future(dial(address)))
            elif not running:
                raise trouble or ClientError("no address")
            patience = delay if address is not None else None
            await asyncio.wait(running, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for task in [task for task in running if task.done()]:
                running.remove(task)
                failed = task.exception()
                if failed is None:
                    return task.result()
                trouble = trouble or failed
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(lambda late: _end(late, hang_up))


def _end(task: asyncio.Task[_Made], hang_up: Callable[[_Made], None]) -> None:
    """The end of an attempt that another one outran."""
    if not task.cancelled() and task.exception() is None:
        hang_up(task.result())


def alternate_families(addresses: Sequence[str]) -> list[str]:
    """IPv4 and IPv6 by turns, in the order given: where one of the two is broken here, the second attempt is of the other."""
    six = [":" in address for address in addresses]
    places = [(six[:number].count(family), family != six[0]) for number, family in enumerate(six)]
    return [address for _, address in sorted(zip(places, addresses, strict=True), key=lambda pair: pair[0])]
