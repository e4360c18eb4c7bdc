"""Names drop while the server of the database is away: they are told meanwhile, under one id, and nothing of it is lost."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from common.store.spool import find_spools
from tests.e2e.site import Site, until
from tests.e2e.test_store_away import CADENCE, FIRST, SECOND, THIRD, codes, furnish, lines, server, until_known
from tests.store.postgres_server import PASSWORD, PostgresServer

__all__ = ["server"]

pytestmark = pytest.mark.timeout(240)

#: Seconds from a purge to its notice while the server is away: not longer than otherwise.
TOLD_SECONDS = 20.0


def settings_of(server: PostgresServer) -> dict[str, str]:
    """The settings of a stack over this server."""
    return {**CADENCE, "STORE_URL": server.url(password=PASSWORD)}


def until_told(site: Site, name: str) -> None:
    """Until the notice about a name arrived; in time."""
    until(lambda: site.told(name), TOLD_SECONDS, f"a notice about {name}")


def until_well(site: Site, seconds: float = 15.0) -> None:
    """Until nothing is wrong any more."""
    until(lambda: site.call("/health").status == 200 and not codes(site), seconds, f"health: {codes(site)}", 0.1)


def expect_one_id_each(site: Site, *names: str) -> None:
    """Each of these was told under one id, which is in the events, once."""
    events = {(event["domain"], event["id"]): 0 for event in site.events()}
    counted = Counter((event["domain"], event["kind"]) for event in site.events())
    assert max(counted.values()) == 1
    for name in names:
        (told,) = {item.id for item in site.told(name)}
        assert (name, told) in events


def test_a_drop_is_told_while_the_server_is_away(server: PostgresServer, tmp_path: Path) -> None:
    """Stopped for long, or hanging: it is told as always, and in the database when that is back."""
    with Site.open(tmp_path, settings_of(server), furnish) as site:
        until_known(site)
        server.stop()
        until(lambda: codes(site) == ["store_away"], 12, "that the server is away", 0.1)
        site.purge(FIRST)
        until_told(site, FIRST)
        until(lambda: (site.call("/health").status, site.call("/ready").status) == (200, 200), 5, "that names are watched", 0.1)
        (problem,) = site.call("/health").json()["problems"]
        assert "notices are sent" in problem["what"]
        assert (problem["code"], problem["unwatched"]) == ("store_away", False)
        assert len(find_spools(site.stack.instance_dir)) == 1
        server.start()
        until_well(site)
        expect_one_id_each(site, FIRST)
        assert find_spools(site.stack.instance_dir) == []

        server.pause()
        try:
            until(lambda: codes(site) == ["store_away"], 30, "that the server is away", 0.1)
            site.purge(SECOND)
            until_told(site, SECOND)
        finally:
            server.resume()
        until_well(site)
        site.purge(THIRD)
        until_told(site, THIRD)
        until(lambda: len(site.events()) >= 3, 5, "the events", 0.1)
        expect_one_id_each(site, FIRST, SECOND, THIRD)
        for name in (FIRST, SECOND, THIRD):
            assert len(site.told(name)) == 1, "each notice once"
        assert len(lines(site, "instance_leads")) == 1, "the run went on"
        assert len(lines(site, "store_spooling")) == len(lines(site, "store_back")) == 2
        assert lines(site, "crashed", "bug", "spool_left") == []
        assert site.stack.crashes() == []
        assert site.stop() == []


@pytest.mark.parametrize("before", [True, False])
def test_a_coordinator_that_is_killed_meanwhile_loses_nothing(*, before: bool, server: PostgresServer, tmp_path: Path) -> None:
    """What it told is in the database when that is back, and a name that dropped since is told then."""
    with Site.open(tmp_path, settings_of(server), furnish) as site:
        until_known(site)
        server.stop()
        until(lambda: codes(site) == ["store_away"], 12, "that the server is away", 0.1)
        site.purge(FIRST)
        until_told(site, FIRST)
        pid = site.kill("coordinator")
        if before:
            server.start()
        site.until_back("coordinator", pid)
        site.purge(SECOND)
        if not before:
            time.sleep(1.0)  # it finds no server
            assert len(find_spools(site.stack.instance_dir)) == 1
            server.start()
        until_told(site, SECOND)
        until_well(site, 30.0)
        expect_one_id_each(site, FIRST, SECOND)
        assert len(lines(site, "spool_written")) == 1
        assert lines(site, "bug", "spool_left") == []
        assert find_spools(site.stack.instance_dir) == []
        assert site.stop() == []


def test_a_stop_while_the_server_is_away_keeps_what_was_told(server: PostgresServer, tmp_path: Path) -> None:
    """It ends as fast as always; the next start writes what was spooled."""
    with Site.open(tmp_path, settings_of(server), furnish) as site:
        until_known(site)
        server.stop()
        until(lambda: codes(site) == ["store_away"], 12, "that the server is away", 0.1)
        site.purge(FIRST)
        until_told(site, FIRST)
        assert site.stop() == []
        assert len(find_spools(site.stack.instance_dir)) == 1
        server.start()
        further = {**site.do(lambda lab: lab.environment()), **settings_of(server)}
        with Site.open(tmp_path, further) as again:
            until_well(again)
            assert [event["domain"] for event in again.events() if event["kind"] == "available"] == [FIRST]
            assert find_spools(again.stack.instance_dir) == []
            assert again.stop() == []
        assert len(site.told(FIRST)) == 1
