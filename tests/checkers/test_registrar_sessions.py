"""Registrars that ask for a login: one session for all calls, few logins, and no key of a session in anything that is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from actors.checkers.contract import Context
from actors.checkers.discovery import discover
from actors.checkers.registrar_sessions import PAUSE, SessionAdapter
from common.config import load
from common.core.model.evidence import Observation, Outcome
from common.messages import Task
from tests.lab.faults import Words
from tests.lab.lab import Lab

METHODS = discover("actors.checkers.intermediate")
VENDORS = ("inwx", "openprovider", "ovh")


@dataclass(slots=True)
class Stage:
    """A lab, one adapter whose monotonic clock is `late` seconds ahead, and its emulator."""

    lab: Lab
    vendor: str
    late: float = 0.0
    adapter: SessionAdapter = field(init=False)
    emulator: Any = field(init=False)

    @property
    def login(self) -> str:
        """The key of the login's faults and queries."""
        return f"registrar/{self.vendor}/login"

    def logins_asked(self) -> int:
        """How many calls went to the login."""
        return self.lab.queries.by_server[self.login]

    async def check(self, name: str = "brand-new.com", milliseconds: int = 5000) -> Observation:
        """One check."""
        task = Task("b.1", 1, f"registrar:{self.vendor}", name, "com", "https://127.0.0.9:9", budget_ms=milliseconds)
        return await self.adapter.check(task)


def play(vendor: str, scene: Callable[[Stage], Awaitable[None]], **more: str) -> None:
    """Run a scene with one adapter and its emulator."""

    async def main() -> None:
        async with Lab.start() as lab:
            lab.registrars.enable(vendor)
            stage = Stage(lab, vendor)
            environ = {**lab.environment(), "STATE_DIR": str(lab.directory / "state"), **more}
            context = Context(load(environ), time.time, lambda: time.monotonic() + stage.late)
            checker = METHODS[f"registrar:{vendor}"](context)
            assert isinstance(checker, SessionAdapter)
            stage.adapter, stage.emulator = checker, lab.registrars.emulators[vendor]
            try:
                await scene(stage)
            finally:
                await checker.close()

    asyncio.run(main())


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Every vendor with sessions."""
    return str(request.param)


def test_one_login_serves_every_check(vendor: str) -> None:
    """Also checks that begin together before it is there."""

    async def scene(stage: Stage) -> None:
        together = await asyncio.gather(*(stage.check(f"n{number}.com") for number in range(4)))
        seen = [*together, await stage.check()]

        assert {one.reading.outcome for one in seen} == {Outcome.UNREGISTERED}
        assert stage.emulator.logins == 1

    play(vendor, scene)


def test_a_session_that_has_ended_is_renewed_once(vendor: str) -> None:
    """The check in which that shows is answered all the same, and so are those beside it."""

    async def scene(stage: Stage) -> None:
        await stage.check()
        stage.emulator.end_sessions()
        seen = await asyncio.gather(*(stage.check(f"n{number}.com") for number in range(4)))

        assert {one.reading.outcome for one in seen} == {Outcome.UNREGISTERED}
        assert stage.emulator.logins == 2

    play(vendor, scene)


def test_a_session_in_which_nothing_worked_is_not_renewed_at_once(vendor: str) -> None:
    """It was refused, and another would be too; after a minute one is tried."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(f"registrar/{vendor}", "says", words=_end_of_session(vendor))
        seen = [await stage.check(), await stage.check()]

        assert {one.reading.outcome for one in seen} == {Outcome.UNKNOWN}
        assert stage.emulator.logins == 1
        stage.late = PAUSE
        await stage.check()
        assert stage.emulator.logins == 2

    play(vendor, scene)


def test_a_session_that_ends_again_at_once_costs_one_login(vendor: str) -> None:
    """Not one login after the other."""

    async def scene(stage: Stage) -> None:
        await stage.check()
        stage.lab.faults.add(f"registrar/{vendor}", "says", words=_end_of_session(vendor))
        seen = await stage.check()

        assert seen.reading.outcome is Outcome.UNKNOWN
        assert stage.emulator.logins == 2

    play(vendor, scene)


def _end_of_session(vendor: str) -> Words:
    """How a vendor says that the session has ended."""
    return {
        "inwx": Words('{"code": 2200, "msg": "Authentication error"}'),
        "openprovider": Words('{"code": 196, "desc": "Authentication/Authorization Failed"}', status=500),
        "ovh": Words('{"message": "This cart does not exist"}', status=404),
    }[vendor]


def test_a_refused_login_stands_for_a_minute(vendor: str) -> None:
    """Vendors lock accounts after some failed logins. It is told as a refusal each time."""

    async def scene(stage: Stage) -> None:
        fault = stage.lab.faults.add(stage.login, "error-credentials")
        seen = [await stage.check(), await stage.check()]
        stage.lab.faults.end(fault)
        seen.append(await stage.check())

        assert {one.reading.finding for one in seen} == {"registrar_refused"}
        assert stage.logins_asked() == 1
        stage.late = PAUSE
        assert (await stage.check()).reading.outcome is Outcome.UNREGISTERED

    play(vendor, scene)


@pytest.mark.parametrize(
    "kind", ["garbage", "empty", "500", "429", "403-html", "deep-json", "oversize", "reset", "redirect-metadata"]
)
def test_trouble_with_the_login_proves_nothing(vendor: str, kind: str) -> None:
    """Neither taken nor free, with a reason."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(stage.login, kind)
        seen = await stage.check()

        assert seen.reading.outcome in {Outcome.UNKNOWN, Outcome.THROTTLED}
        assert seen.reading.reason
        assert stage.emulator.calls == []

    play(vendor, scene)


def test_a_login_that_stalls_keeps_the_time_budget(vendor: str) -> None:
    """Of the check that logs in, and of one that waits for it; the next one logs in anew."""

    async def scene(stage: Stage) -> None:
        fault = stage.lab.faults.add(stage.login, "silence")
        began = time.monotonic()
        seen = await asyncio.gather(stage.check(milliseconds=900), stage.check(milliseconds=700))

        assert time.monotonic() - began < 3
        assert [one.reading.finding for one in seen] == ["registrar_timeout"] * 2
        stage.lab.faults.end(fault)
        assert (await stage.check()).reading.outcome is Outcome.UNREGISTERED

    play(vendor, scene)


def test_a_cancelled_login_leaves_nothing_behind(vendor: str) -> None:
    """The next check logs in."""

    async def scene(stage: Stage) -> None:
        fault = stage.lab.faults.add(stage.login, "silence")
        running = asyncio.create_task(stage.check())
        await stage.lab.queries.wait_for(stage.login)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        stage.lab.faults.end(fault)

        assert (await stage.check()).reading.outcome is Outcome.UNREGISTERED

    play(vendor, scene)


def test_the_key_of_a_session_is_not_told(vendor: str) -> None:
    """Even where an answer repeats it."""

    async def scene(stage: Stage) -> None:
        await stage.check()
        session = stage.adapter._session
        assert session is not None
        secret = session.key.rpartition("=")[2]
        text = f'{{"note": "brand-new.com {session.key}", "code": 7, "desc": "{secret}", "message": "{secret}"}}'
        stage.lab.faults.add(f"registrar/{vendor}", "says", words=Words(text))
        shown = repr(await stage.check())

        assert "brand-new.com ***" in shown
        assert secret not in shown

    play(vendor, scene)


@pytest.mark.parametrize(
    ("vendor", "text", "status"),
    [
        ("openprovider", '{"code": 0, "data": {"token": "short"}}', 200),
        ("openprovider", '{"code": 0, "data": {"token": "a b\\r\\nX-Injected: 1"}}', 200),
        ("openprovider", '{"code": 0, "data": {"token": 12345678}}', 200),
        ("openprovider", '{"code": 0, "data": {"token": "a-good-one-that-comes-with-an-error"}}', 500),
        ("inwx", '{"code": 1000, "resData": {"tfa": "0"}}', 200),
        ("ovh", '{"cartId": 5}', 200),
        ("ovh", '{"cartId": "a cart"}', 200),
        ("ovh", '{"cartId": "a-good-one-that-comes-with-an-error"}', 400),
    ],
)
def test_a_login_without_a_usable_key_is_no_session(vendor: str, text: str, status: int) -> None:
    """Nothing of it is told, for it may be one."""

    async def scene(stage: Stage) -> None:
        stage.lab.faults.add(stage.login, "says", words=Words(text, status=status))
        seen = await stage.check()

        assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "registrar_unreachable")
        assert seen.excerpt == ""
        assert "usable" in seen.reading.reason
        assert stage.emulator.calls == []

    play(vendor, scene)


def test_an_account_with_a_second_factor_needs_its_secret() -> None:
    """It is told what is missing; the password was right."""

    async def scene(stage: Stage) -> None:
        seen = await stage.check()

        assert seen.reading.finding == "registrar_refused"
        assert "second factor" in seen.reading.reason
        assert stage.emulator.logins == 0

    play("inwx", scene, INWX_SHARED_SECRET="")


def test_a_wrong_second_factor_is_refused() -> None:
    """As a wrong password is."""

    async def scene(stage: Stage) -> None:
        assert (await stage.check()).reading.finding == "registrar_refused"
        assert stage.emulator.calls == []

    play("inwx", scene, INWX_SHARED_SECRET="GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")


def test_an_account_without_a_second_factor_is_not_asked_for_one() -> None:
    """Its session is there after the password."""

    async def scene(stage: Stage) -> None:
        show_free = '{"code": 1000, "resData": {"domain": [{"domain": "{name}", "avail": 1}]}}'
        cookies = {"Set-Cookie": "domrobot=0123456789abcdef; path=/"}
        stage.lab.faults.add(stage.login, "says", words=Words('{"code": 1000, "resData": {"tfa": "0"}}', headers=cookies))
        stage.lab.faults.add("registrar/inwx", "says", words=Words(show_free))

        assert (await stage.check()).reading.outcome is Outcome.UNREGISTERED
        assert stage.logins_asked() == 1

    play("inwx", scene)


def test_the_clock_of_the_vendor_counts() -> None:
    """It is read with each cart, and once more where the vendor finds a signature too old."""

    async def scene(stage: Stage) -> None:
        await stage.check()
        stage.emulator.ahead += 5000

        assert (await stage.check()).reading.outcome is Outcome.UNREGISTERED
        assert stage.emulator.logins == 2

    play("ovh", scene)


@pytest.mark.parametrize("text", ["", "null", "-5", "1e9", "12345678901234567890123", '"1700000000"'])
def test_a_clock_that_tells_no_time_opens_no_cart(text: str) -> None:
    """Nothing is signed for it."""

    async def scene(stage: Stage) -> None:
        stage.emulator.clock_says = text
        seen = await stage.check()

        assert (seen.reading.outcome, seen.reading.finding) == (Outcome.UNKNOWN, "registrar_unparsed")
        assert stage.logins_asked() == 0

    play("ovh", scene)


def test_a_name_that_is_not_found_does_not_end_the_session() -> None:
    """The answer names it."""

    async def scene(stage: Stage) -> None:
        await stage.check()
        words = Words('{"message": "The domain BRAND-NEW.com does not exist"}', status=404)
        stage.lab.faults.add("registrar/ovh", "says", words=words)

        assert (await stage.check()).reading.finding == "registrar_error"
        assert stage.emulator.logins == 1

    play("ovh", scene)
