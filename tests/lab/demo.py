"""The product against the lab: names drop before your eyes, in about a minute.

    python -m tests.lab.demo [--stay] [--seconds N]

Starts the lab and the whole stack, tells what the registries do and what the customer hears, and judges it in the end: status 0
only if no drop was missed, no alarm was false, and the stack was healthy and stopped cleanly.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from tests.lab import story
from tests.lab.customer import Received
from tests.lab.lab import Lab
from tests.lab.scoring import Score, false_alarm, latency, score
from tests.lab.stack import Stack, StackError
from tests.lab.story import Alarm
from tests.lab.truth import Truth

CADENCE = {
    "CHECK_INTERVAL": "5",
    "PRIORITY_CHECK_INTERVAL": "2",
    "CONFIRM_GAP": "4",
    "CONFIRM_GAP_CLOSE": "2",
    "CALLBACK_RESULTS": "changes",
    "DOMAIN_API_REFRESH_INTERVAL": "10",
}
_START_SECONDS = 60.0
_FIRST_LOOK_SECONDS = 20.0
_QUIET_SECONDS = 3.0  # after the last act, so that a late false alarm still counts
_POLL = 0.1
_DEEDS = {
    "purge": "purged",
    "catch": "caught again by another registrar",
    "restore": "restored by its holder",
    "renew": "renewed",
    "hold": "put on hold: out of the zone, still registered",
    "transfer": "moved to another registrar",
    "pending_restore": "asked to be restored",
    "pending_delete": "in its last days, and on the registry's drop list",
}


class Narrator:
    """Tells the story line by line, in seconds since the curtain."""

    def __init__(self, lab: Lab, out: Callable[[str], None]) -> None:
        self._lab = lab
        self._out = out
        self._curtain: float | None = None

    def curtain(self) -> None:
        """From here on the registries' deeds are told."""
        self._curtain = self._lab.clock.wall()

    def tell(self, who: str, text: str) -> None:
        """One line."""
        since = 0.0 if self._curtain is None else self._lab.clock.wall() - self._curtain
        self._out(f"{since:6.1f} s  {who:<9} {text}")

    def deed(self, name: str, deed: str) -> None:
        """A registry did something."""
        if self._curtain is None:
            return
        truth = self._lab.registry.log.of(name)[-1].truth
        kept = f", and kept back: {truth}" if deed == "purge" and truth is not Truth.UNREGISTERED else ""
        self.tell("registry", f"{name}: {_DEEDS.get(deed, deed)}{kept}")

    def trouble(self, text: str) -> None:
        """A server begins to misbehave."""
        self.tell("trouble", text)

    def callback(self, item: Received) -> None:
        """The customer accepted a notice."""
        if not item.is_notice:
            return
        name, status = item.data.get("domain"), item.data.get("status")
        text = f'{name}: notice "{status}"'
        if status in ("available", "available_premium"):
            text += f", confidence {item.data.get('confidence')}{_offer_text(item.data)}"
        if status == "available":
            took = latency(self._lab.registry.log, item)
            wrong = false_alarm(self._lab.registry.log, item)
            text += f", {took:.2f} s after its purge" if took is not None else ""
            text += f"  << FALSE: {wrong}" if wrong else ""
        self.tell("customer", text)


async def _tell_listing(stack: Stack, narrator: Narrator, name: str) -> None:
    """Wait until the product knows a name from the registry's list, and tell what it knows."""
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ValueError):
            async with aiohttp.ClientSession() as session, session.get(f"{stack.url}/domain/{name}") as answer:
                shown = await answer.json()
            if listed := shown.get("evidence", {}).get("list"):
                narrator.tell("product", f"{name}: {listed['reason']}")
                return
        await asyncio.sleep(_POLL)


def _offer_text(notice: Mapping[str, Any]) -> str:
    """Which sources would create the name, and for how much."""
    sources, price = ", ".join(notice.get("confirmed_by") or ()), notice.get("price")
    if not sources:
        return ""
    return f", confirmed by {sources}" + (f" for {price} {notice.get('currency')}" if price else "")


async def _until(condition: Callable[[], bool], seconds: float, stop: asyncio.Event) -> bool:
    """Whether `condition` came true within `seconds`, before `stop`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        if loop.time() >= deadline or stop.is_set():
            return False
        await asyncio.sleep(_POLL)  # the lab runs in this loop
    return True


async def _perform(lab: Lab, stack: Stack, narrator: Narrator, seconds: float, stop: asyncio.Event) -> None:
    """From the start of the stack to the end of the story. Raises StackError."""
    await stack.start(stop)
    narrator.tell("demo", "starting the stack: domain-monitor supervise")
    await stack.wait_healthy(_START_SECONDS, stop)
    narrator.tell("demo", f"healthy; dashboard {stack.url}/ , one name {stack.url}/#/domain/{story.CAST[0].name}")
    narrator.tell("demo", f"feed {stack.feed} , lab {lab.control_url}/state , log {stack.log_file}")
    due = [role for role in story.CAST if role.alarm is Alarm.MUST]
    looked = await _until(lambda: all(lab.queries.by_name[role.name] for role in due), _FIRST_LOOK_SECONDS, stop)
    if not looked:
        narrator.tell("demo", "it has not asked about every name yet; going on")
    narrator.curtain()
    narrator.tell("demo", f"watching {len(lab.customer.watch)} names; the registries begin")
    story.play(lab.registry, lab.faults, narrator.trouble, until=seconds)
    last = min(story.LAST_ACT, seconds)
    listing = asyncio.create_task(_tell_listing(stack, narrator, story.LISTED))
    await _until(lambda: False, last + _QUIET_SECONDS, stop)
    await _until(lambda: not _score(lab).missed, seconds - last - _QUIET_SECONDS, stop)
    if listing.cancel():
        raise StackError(f"{story.LISTED} stands on the registry's list, and the product does not know it from there")


def _score(lab: Lab) -> Score:
    return score(lab.registry.log, lab.customer.notices(), story.CAST)


def _summary(lab: Lab, out: Callable[[str], None], trouble: list[str]) -> bool:
    result = _score(lab)
    refused = sum(not item.valid for item in lab.customer.received)
    out("")
    out(f"drops due {result.due}, seen {len(result.seen)}, missed {len(result.missed)}, false alarms {len(result.false)}")
    if result.median is not None and result.worst is not None:
        out(f"purge to callback: median {result.median:.2f} s, worst {result.worst:.2f} s")
    out(f"callbacks received {len(lab.customer.received)}, with a bad token or signature {refused}")
    for name in result.missed:
        out(f"missed: {name}")
    for text in [*result.false, *(f"stack: {sentence}" for sentence in trouble)]:
        out(f"wrong: {text}")
    good = result.clean and not trouble and result.due > 0
    out("all well" if good else "NOT well")
    return good


async def run(arguments: argparse.Namespace, out: Callable[[str], None]) -> int:
    """The whole demo; returns the exit status."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    directory = Path(tempfile.mkdtemp(prefix="dm-demo-"))
    async with Lab.start() as lab:
        narrator = Narrator(lab, out)
        lab.registrars.enable(story.REGISTRAR)
        lab.published = story.PUBLISHED
        story.stage(lab.registry)
        lab.customer.set_watch((role.name for role in story.CAST), priority=(role.name for role in story.CAST if role.priority))
        lab.registry.told.append(narrator.deed)
        lab.customer.told.append(narrator.callback)
        stack = Stack(lab.environment() | CADENCE, directory)
        trouble = []
        try:
            await _perform(lab, stack, narrator, arguments.seconds, stop)
            if arguments.stay and not stop.is_set():
                narrator.tell("demo", f"the story is over; everything keeps running until Ctrl-C ({lab.control_url}/state)")
                await stop.wait()
            status = await stack.health()
            trouble += [] if status == 200 else [f"/health says {status or 'nothing'} in the end"]
        except StackError as error:
            trouble.append(str(error))
        finally:
            narrator.tell("demo", "stopping the stack")
            trouble += await stack.stop()
            trouble += [f"a process crashed: {dump}" for dump in stack.crashes()]
        good = _summary(lab, out, trouble)
    if good:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        out(f"log kept: {stack.log_file}; its end:")
        for line in stack.log_tail():
            out(f"  {line[:300]}")
    return 0 if good else 1


def _print(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.demo", description="Watch names drop, against a lab on loopback."
    )
    parser.add_argument("--stay", action="store_true", help="keep everything running after the story, until Ctrl-C")
    parser.add_argument("--seconds", type=float, default=60.0, help="end the story after so many seconds at the latest (60)")
    return asyncio.run(run(parser.parse_args(), _print))


if __name__ == "__main__":
    sys.exit(main())
