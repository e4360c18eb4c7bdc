"""The EPP checker: several names in one check, and registries that misbehave."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from actors.checkers.intermediate.epp import create
from common.core.model.evidence import EXCERPT_LIMIT, Observation, Offer, Outcome
from common.errors import NotAsked
from tests.checkers.support import LAB, context, once, task
from tests.clients.epp_peer import HeldCheck, Peer, epp_server, polite, write_authority
from tests.clients.line_server import closed_port
from tests.core.parsers import epp_samples as samples

PASSWORD = "hunter<22>!"


def settings(directory: Path, port: int, **account) -> dict[str, str]:
    """The settings of one account for .example."""
    entry = {"suffixes": ["example"], "host": f"127.0.0.1:{port}", "user": "client-1", "password": PASSWORD} | account
    return LAB | {"TLS_CA_FILE": str(write_authority(directory)), "EPP_ACCOUNTS": json.dumps([entry])}


def ask(script, directory: Path, *domains: str, budget_ms: int = 20_000, **account):
    """The observations of one call, and the server."""

    async def main():
        async with epp_server(script) as server:
            checker = create(context(settings(directory, server.port, **account)))
            try:
                tasks = [task("epp", domain, budget_ms=budget_ms) for domain in domains or ("one.example",)]
                return await checker.check_batch(tasks), server
            finally:
                await checker.close()

    return asyncio.run(main())


def answering(code: int = 1000, message: str = "done", **more: str):
    """A script that lets the client in and answers every check so."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        while await peer.read() == "check":
            await peer.answer(code, message, **more)

    return script


def test_several_names_are_one_check_and_come_back_in_the_order_of_the_tasks(tmp_path: Path) -> None:
    """Whatever order the registry answers in."""
    data = samples.names(("two.example", "0", "In use"), ("one.example", "1", ""), ("three.example", "0", "Reserved"))
    prices = samples.fees(samples.fee("one.example"))
    seen, server = ask(answering(data=data, fees=prices), tmp_path, "one.example", "two.example", "three.example")

    assert server.kinds == ["login", "check", "logout"]
    assert [each.reading.finding for each in seen] == ["epp_available", "epp_in_use", "epp_reserved"]
    assert seen[0].reading.offer == Offer(premium=False, price=Decimal("8.50"), currency="USD")


def test_an_observation_tells_where_how_and_what(tmp_path: Path) -> None:
    """The excerpt is about the one name."""
    data = samples.names(("one.example", "0", "In use"), ("two.example", "1", ""))
    (seen, other), server = ask(answering(data=data), tmp_path, "one.example", "two.example")

    assert (seen.method, seen.server, seen.address) == ("epp", "127.0.0.1", f"127.0.0.1:{server.port}/tcp")
    assert len(seen.digest) == 64
    assert seen.digest == other.digest
    assert "one.example" in seen.excerpt
    assert "two.example" not in seen.excerpt
    assert seen.duration_ms > 0
    assert not seen.refused


def test_one_task_is_a_batch_of_one(tmp_path: Path) -> None:
    """The contract of every method."""

    async def main() -> Observation:
        async with epp_server(polite) as server:
            checker = create(context(settings(tmp_path, server.port)))
            try:
                return await checker.check(task("epp", "one.example"))
            finally:
                await checker.close()

    assert asyncio.run(main()).reading.outcome is Outcome.UNREGISTERED


def test_a_check_has_no_more_names_than_the_account_takes(tmp_path: Path) -> None:
    """A registry's own limit may be below fifty; a name that is asked for twice is sent once."""
    asked = []

    async def script(peer: Peer) -> None:
        await peer.let_in()
        while await peer.read() == "check":
            asked.append(len(peer.names))
            await peer.answer_check()

    domains = [f"n{number}.example" for number in range(7)]
    seen, _server = ask(script, tmp_path, *domains, "n0.example", batch=3)

    assert asked == [3, 3, 1]
    assert [each.reading.outcome for each in seen] == [Outcome.UNREGISTERED] * 8


def test_each_account_is_asked_about_its_own_suffixes(tmp_path: Path) -> None:
    """And a suffix without an account is not asked about."""

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        await peer.answer(data=samples.names(*((name, "0", "In use") for name in peer.names)))

    async def main():
        async with epp_server(polite) as first, epp_server(script) as second:
            one = json.loads(settings(tmp_path, first.port)["EPP_ACCOUNTS"])
            two = json.loads(settings(tmp_path, second.port, suffixes=["co.test"])["EPP_ACCOUNTS"])
            checker = create(context(settings(tmp_path, 1) | {"EPP_ACCOUNTS": json.dumps(one + two)}))
            try:
                return await checker.check_batch(
                    [task("epp", name) for name in ("a.example", "b.co.test", "c.org", "d.example")]
                )
            finally:
                await checker.close()

    seen = asyncio.run(main())
    assert [each.reading.finding for each in seen] == ["epp_available", "epp_in_use", "epp_no_account", "epp_available"]
    assert (seen[2].reading.outcome, seen[2].server) == (Outcome.UNKNOWN, "")


@pytest.mark.parametrize("domain", ["a b.example", "a</name>.example", "UPPER.example", "-x.example"])
def test_nothing_but_a_name_goes_on_the_wire(domain: str, tmp_path: Path) -> None:
    """And the names beside it are asked about."""
    seen, server = ask(polite, tmp_path, domain, "one.example")

    assert [each.reading.finding for each in seen] == ["epp_bad_name", "epp_available"]
    assert server.kinds.count("check") == 1


def test_an_international_name_is_found_in_an_answer_in_unicode(tmp_path: Path) -> None:
    """The A-label is asked for."""
    seen, _server = ask(answering(data=samples.names(("bücher.example", "1", ""))), tmp_path, "xn--bcher-kva.example")

    assert seen[0].reading.outcome is Outcome.UNREGISTERED


def test_a_partial_answer_leaves_the_others_unknown(tmp_path: Path) -> None:
    """A name that is not repeated may be anything."""
    seen, _server = ask(answering(data=samples.names(("one.example", "1", ""))), tmp_path, "one.example", "two.example")

    assert [each.reading.finding for each in seen] == ["epp_available", "epp_missing"]


async def silent(peer: Peer) -> None:
    """Accept, and say nothing."""
    await peer.reader.read()


async def garbage(peer: Peer) -> None:
    """No frame at all."""
    await peer.send_raw(b"220 mail.example ESMTP ready\r\n")


async def leave(peer: Peer) -> None:
    """Let the client in and close at its check."""
    await peer.let_in()
    await peer.read()


@pytest.mark.parametrize(
    ("script", "outcome", "finding", "refused"),
    [
        (silent, Outcome.UNKNOWN, "epp_timeout", False),
        (garbage, Outcome.UNKNOWN, "epp_error", False),
        (leave, Outcome.UNKNOWN, "epp_error", False),
        (answering(2400, "Command failed"), Outcome.UNKNOWN, "epp_error", False),
        (answering(2201, "Authorization error"), Outcome.UNKNOWN, "epp_refused", True),
        (answering(2502, "Session limit exceeded"), Outcome.THROTTLED, "epp_throttled", False),
        (answering(2308, "Rate limit exceeded"), Outcome.THROTTLED, "epp_throttled", False),
    ],
)
def test_trouble_is_unknown_and_says_what_it_was(script, outcome: Outcome, finding: str, refused: bool, tmp_path: Path) -> None:
    """Nothing that a broken server does is taken for an answer, about any of the names."""
    budget = 600 if script is silent else 20_000
    seen, _server = ask(script, tmp_path, "one.example", "two.example", budget_ms=budget)

    for each in seen:
        assert (each.reading.outcome, each.reading.finding, each.refused) == (outcome, finding, refused)
        assert each.reading.reason
        assert each.server == "127.0.0.1"


@pytest.mark.parametrize(
    ("code", "outcome", "finding", "refused"),
    [
        (2200, Outcome.UNKNOWN, "epp_refused", True),
        (2501, Outcome.UNKNOWN, "epp_refused", True),
        (2502, Outcome.THROTTLED, "epp_throttled", False),
        (2400, Outcome.UNKNOWN, "epp_error", False),
    ],
)
def test_a_login_that_fails_says_how_long_it_is_not_tried(
    code: int, outcome: Outcome, finding: str, refused: bool, tmp_path: Path
) -> None:
    """The password that the server repeats is not in what is told."""

    async def script(peer: Peer) -> None:
        await peer.send(samples.greeting())
        await peer.read()
        await peer.answer(code, f"no to {PASSWORD}")
        await peer.reader.read()

    (seen,), _server = ask(script, tmp_path)

    assert (seen.reading.outcome, seen.reading.finding, seen.refused) == (outcome, finding, refused)
    assert seen.reading.retry_after is not None
    assert seen.reading.retry_after >= 60
    assert PASSWORD not in repr(seen)


def test_a_password_that_an_answer_repeats_is_hidden(tmp_path: Path) -> None:
    """In the reason and in the evidence."""
    (seen,), _server = ask(answering(data=samples.names(("one.example", "0", f"Reserved {PASSWORD}"))), tmp_path)

    assert "***" in seen.excerpt
    assert "***" in seen.reading.reason
    assert "hunter" not in repr(seen)


def test_evidence_is_bounded(tmp_path: Path) -> None:
    """However much a registry writes."""
    (seen,), _server = ask(answering(data=samples.names(("one.example", "0", "x" * 4000))), tmp_path)

    assert len(seen.excerpt) == EXCERPT_LIMIT


def test_a_refused_connection_is_reported_as_such(tmp_path: Path) -> None:
    """The budget of the operator shrinks when we are turned away."""
    seen = once(create(context(settings(tmp_path, closed_port()))), task("epp", "one.example"))

    assert (seen.reading.finding, seen.refused) == ("epp_turned_away", True)


def test_a_private_address_is_never_asked(tmp_path: Path) -> None:
    """Also where the operator's own setting names it."""
    environ = settings(tmp_path, 700)
    del environ["ALLOWED_PRIVATE_NETWORKS"]
    seen = once(create(context(environ)), task("epp", "one.example"))

    assert (seen.reading.finding, seen.refused) == ("epp_refused_address", False)


def test_without_a_free_session_the_tasks_go_back(tmp_path: Path) -> None:
    """Nothing was sent, and no server is blamed."""
    held = HeldCheck()

    async def main() -> None:
        async with epp_server(held) as server:
            checker = create(context(settings(tmp_path, server.port)))
            try:
                first = asyncio.create_task(checker.check(task("epp", "a.example", budget_ms=20_000)))
                await held.asked.wait()
                with pytest.raises(NotAsked):
                    await checker.check(task("epp", "b.example", budget_ms=400))
                held.done.set()
                assert (await first).reading.outcome is Outcome.UNREGISTERED
            finally:
                await checker.close()

    asyncio.run(main())


def test_what_one_check_of_a_call_was_told_is_kept_where_the_next_gets_no_session(tmp_path: Path) -> None:
    """NotAsked stands for a whole call, so it is not raised where a part of it has been sent."""
    asked, queued, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.let_in()
        await peer.read()
        asked.set()
        await queued.wait()
        await peer.answer_check()
        await peer.read()
        await done.wait()
        await peer.answer_check()

    async def main() -> list[Observation]:
        async with epp_server(script) as server:
            checker = create(context(settings(tmp_path, server.port, batch=1)))
            try:
                tasks = [task("epp", name, budget_ms=3000) for name in ("a.example", "b.example")]
                call = asyncio.create_task(checker.check_batch(tasks))
                await asked.wait()
                other = asyncio.create_task(checker.check(task("epp", "c.example", budget_ms=20_000)))
                for _ in range(20):
                    await asyncio.sleep(0)  # it has come to wait for the session
                queued.set()
                found = await call
                done.set()
                assert (await other).reading.outcome is Outcome.UNREGISTERED
                return found
            finally:
                await checker.close()

    found = asyncio.run(main())
    assert [each.reading.finding for each in found] == ["epp_available", "epp_error"]
