"""The whole service over PostgreSQL, whose server crashes in the middle: what was promised over a file is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.site import Site, until
from tests.lab import story
from tests.lab.lab import Lab
from tests.lab.story import Alarm, Role, Scene
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(150)

CADENCE = {
    "CHECK_INTERVAL": "3", "PRIORITY_CHECK_INTERVAL": "1", "CONFIRM_GAP": "2", "CONFIRM_GAP_CLOSE": "1",
    "CALLBACK_RESULTS": "changes",
}  # fmt: skip
BEFORE, AFTER, STAYS = "early-bird.com", "second-wind.org", "granite-press.com"
CAST = [Role(name, Scene.LAST_DAY, Alarm.MUST, priority=True) for name in (BEFORE, AFTER)] + [Role(STAYS)]
#: Seconds from a purge to its notice; once more for the pauses of a coordinator that finds no server.
DROP_SECONDS, CRASH_SECONDS = 25.0, 60.0


def furnish(lab: Lab) -> None:
    """Two names that are about to drop, and one that stays."""
    story.stage(lab.registry, CAST)
    lab.customer.set_watch([BEFORE, AFTER, STAYS], priority=[BEFORE, AFTER])


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """The database."""
    with closing(PostgresServer(require_programs())) as opened:
        yield opened


def codes(site: Site) -> set[str]:
    """The codes of what /health says is wrong."""
    return {problem["code"] for problem in site.call("/health").json()["problems"]}


def test_names_drop_before_and_after_the_server_crashed(server: PostgresServer, tmp_path: Path) -> None:
    """While it is down that is told; each name is announced once under one id, and no file has the password."""
    settings = {**CADENCE, "STORE_URL": server.url(password=PASSWORD)}
    with Site.open(tmp_path, settings, furnish) as site:
        until(
            lambda: len(site.call("/domains?state=PENDING_DELETE").json().get("domains", [])) == 2,
            DROP_SECONDS,
            "the first looks",
            0.1,
        )
        site.purge(BEFORE)
        until(lambda: site.told(BEFORE), DROP_SECONDS, "a notice before the crash")
        server.stop()
        until(lambda: "store_away" in codes(site), CRASH_SECONDS, "that the database is away", 0.2)
        assert site.call("/health").status == 200
        server.start()
        site.purge(AFTER)
        until(lambda: site.told(AFTER), CRASH_SECONDS, "a notice after the crash")
        until(lambda: site.call("/health").status == 200, CRASH_SECONDS, "health", 0.2)
        events = site.events()
        told = {name: {item.id for item in site.told(name)} for name in (BEFORE, AFTER)}
        assert [len(ids) for ids in told.values()] == [1, 1]
        assert [event["seq"] for event in events] == sorted({event["seq"] for event in events})
        assert site.call(f"/domain/{STAYS}").json()["state"] == "REGISTERED"
        assert site.stop() == []
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"PostgreSQL" in written
    assert not any(secret in written for secret in (PASSWORD.encode(), settings["STORE_URL"].partition("@")[0].encode()))
