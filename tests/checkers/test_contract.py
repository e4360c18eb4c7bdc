"""The contract of a method, run over every method that discovery finds: a new file is tested before it has tests of its own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from actors.checkers.contract import Checker, Context, Sweeper
from actors.checkers.discovery import POOLS, discover, find_sweeper, load_checkers
from common.clients.dns.sweep.sweep_engine import MOST_ADDRESSES
from common.clock import monotonic, now
from common.codec import decode_upward, encode
from common.config import load as load_settings
from common.core.builtin.registrars import REGISTRARS
from common.core.model.evidence import Observation, Outcome, unknown_reading
from common.core.model.methods import budget_of, pool_of
from common.core.parsers.dns_fast import UNUSUAL
from common.errors import ConfigError
from common.messages import MAX_ADDRESSES, MAX_BATCH, VERSION, Credit, Result, Results, Sweep, SweepResult, Task
from common.process import Runtime
from common.worker_sweeps import SweepFindings, make_answer, run_sweep, split_answer

METHODS = [(pool, method) for pool in POOLS for method in discover(f"actors.checkers.{pool}")]
#: Nothing listens there: port 1 of this machine.
DEAD = "127.0.0.1:1"


def context(tmp_path: Path) -> Context:
    """Settings under which every method is there, and every server refuses to talk."""
    servers = tmp_path / "whois.json"
    servers.write_text('{"com": "127.0.0.1:1"}')
    return Context(
        load_settings(
            {
                "STATE_DIR": str(tmp_path),
                "DNS_ROOT_SERVERS": DEAD,
                "DNS_PORT": "1",
                "WHOIS_SERVERS_FILE": str(servers),
                "WHOIS_IANA_HOST": "127.0.0.1",
                "WHOIS_PORT": "1",
                "HTTP_PORT": "1",
                "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
                **dict.fromkeys((name for row in REGISTRARS for name in row.needs), "planted"),
                "NAMECHEAP_CLIENT_IP": "192.0.2.7",
                "REGISTRAR_URLS": ",".join(f"{row.vendor}=https://{DEAD}" for row in REGISTRARS),
                "EPP_ACCOUNTS": json.dumps([{"suffixes": ["com"], "host": DEAD, "user": "u", "password": "planted"}]),
            }
        ),
        now,
        monotonic,
    )


def server_for(method: str) -> str:
    """A server of the kind that the coordinator names in a task of this method."""
    return {"rdap": f"http://{DEAD}/", "whois": DEAD, "das": DEAD}.get(method, "")


@pytest.mark.parametrize(("pool", "method"), METHODS)
def test_a_method_is_known_to_escalation_under_its_file_name(pool: str, method: str) -> None:
    """Its pool and its time budget are written down once."""
    assert pool_of(method) == pool
    assert budget_of(method) > 0


@pytest.mark.parametrize(("pool", "method"), METHODS)
def test_trouble_is_an_observation_that_proves_nothing_and_travels(pool: str, method: str, tmp_path: Path) -> None:
    """With every server dead `check` neither raises nor concludes, keeps its time, and its answer survives the wire."""

    async def once() -> Observation:
        checker = next(c for c in load_checkers(pool, context(tmp_path)) if c.method == method)
        task = Task("boot.1", 1, method, "example.com", "com", server_for(method), budget_ms=3000)
        try:
            async with asyncio.timeout(5):
                return await checker.check(task)
        finally:
            await checker.close()

    seen = asyncio.run(once())
    assert seen.method == method
    assert seen.reading.outcome in (Outcome.UNKNOWN, Outcome.THROTTLED)
    assert seen.reading.reason
    credit = Credit(VERSION, "w", "b", pool, "default", (method,), 1, 1, 0)
    message = Results(credit, (Result("boot.1", seen),))
    assert decode_upward(encode(message)) == message


def sweepers(tmp_path: Path) -> list[Sweeper]:
    """Every method that can sweep."""
    checkers = [checker for pool in POOLS for checker in load_checkers(pool, context(tmp_path))]
    return [checker for checker in checkers if isinstance(checker, Sweeper)]


def test_a_sweep_without_servers_is_trouble_that_travels(tmp_path: Path) -> None:
    """With every server dead a sweep neither raises nor concludes, keeps its time, and its answer survives the wire."""
    sweep = Sweep("boot.1", 1, "com", "example\nexample2", 2, budget_ms=3000)

    async def once(checker: Sweeper) -> SweepResult:
        runtime = Runtime("checker-fast-0", context(tmp_path).settings, asyncio.Event())
        try:
            async with asyncio.timeout(5):
                return await run_sweep(runtime, checker, sweep, ["example.com", "example2.com"])
        finally:
            await checker.close()

    found = [asyncio.run(once(checker)) for checker in sweepers(tmp_path)]

    assert found
    for answer in found:
        assert answer.trouble is not None
        assert answer.trouble.reading.outcome is Outcome.UNKNOWN
        assert (answer.codes, answer.attempt) == (b"", "boot.1")
        assert decode_upward(encode(answer)) == answer


def test_a_swept_message_keeps_its_bounds() -> None:
    """More stories than a message holds travel in several, and leave no name open; addresses are never too many."""
    count = MAX_BATCH + 3
    stories = {index: Observation("dns", unknown_reading("dns_refused", "refused")) for index in range(count)}
    found = SweepFindings(
        server="com",
        width=1,
        codes=bytes([UNUSUAL]) * count,
        served=bytes(count),
        addresses=("192.0.2.1:53/udp",),
        observations=stories,
    )

    messages = split_answer(make_answer(Sweep("boot.1", 1, "com", "", count), found, 1.0))

    assert [decode_upward(encode(message)) for message in messages] == messages
    assert {place: seen for message in messages for place, seen in message.observations.items()} == stories
    answer = messages[-1]
    assert isinstance(answer, SweepResult)
    assert (answer.codes, answer.served) == (found.codes, found.served)
    assert 2 * MOST_ADDRESSES <= MAX_ADDRESSES


def test_only_one_method_of_a_pool_sweeps(tmp_path: Path) -> None:
    """A sweep names no method; two that could take it stop the start, none means no places for sweeps."""
    fast: list[Checker] = load_checkers("fast", context(tmp_path))

    assert (chosen := find_sweeper(fast)) is not None
    assert chosen.method == "dns"
    assert find_sweeper(load_checkers("deep", context(tmp_path))) is None
    with pytest.raises(ConfigError):
        find_sweeper([*fast, *fast])


def test_a_folder_with_a_broken_file_stops_the_start() -> None:
    """A method that quietly never runs would be worse."""
    with pytest.raises(ModuleNotFoundError):
        discover("actors.checkers.nowhere")
    with pytest.raises(ConfigError):
        discover("tests.lab_tests")
