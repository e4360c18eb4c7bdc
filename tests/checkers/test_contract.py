"""The contract of a method, run over every method that discovery finds: a new file is tested before anybody writes a test."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.checkers.contract import Context
from actors.checkers.discovery import POOLS, discover, load
from common.clock import monotonic, now
from common.codec import decode_upward, encode
from common.config import load as load_settings
from common.core.escalation import BUDGET, POOL_OF
from common.core.evidence import Observation, Outcome
from common.errors import ConfigError
from common.messages import VERSION, Credit, Result, Results, Task

METHODS = [(pool, method) for pool in POOLS for method in discover(f"actors.checkers.{pool}")]
#: Nobody listens there: port 1 of this machine.
DEAD = "127.0.0.1:1"


def context(tmp_path: Path) -> Context:
    """Settings under which every server there is refuses to talk."""
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
            }
        ),
        now,
        monotonic,
    )


def server_for(method: str) -> str:
    """A server of the kind that the coordinator names in a task of this method."""
    return {"rdap": f"http://{DEAD}/", "whois": DEAD}.get(method, "")


@pytest.mark.parametrize(("pool", "method"), METHODS)
def test_a_method_is_known_to_escalation_under_its_file_name(pool: str, method: str) -> None:
    """Its pool and its time budget are written down once."""
    assert POOL_OF[method] == pool
    assert BUDGET[method] > 0


@pytest.mark.parametrize(("pool", "method"), METHODS)
def test_trouble_is_an_observation_that_proves_nothing_and_travels(pool: str, method: str, tmp_path: Path) -> None:
    """With every server dead `check` neither raises nor concludes, keeps its time, and its answer survives the wire."""

    async def once() -> Observation:
        checker = next(c for c in load(pool, context(tmp_path)) if c.method == method)
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


def test_a_folder_with_a_broken_file_stops_the_start() -> None:
    """A method that quietly never runs would be worse."""
    with pytest.raises(ModuleNotFoundError):
        discover("actors.checkers.nowhere")
    with pytest.raises(ConfigError):
        discover("tests.lab_tests")
