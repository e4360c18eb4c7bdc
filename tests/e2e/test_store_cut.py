"""Two instances, of which one or both are cut off from the database: at no moment do both lead."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

import pytest

from actors.coordinator.membership import LOOK_EVERY
from common import heartbeat
from common.processes.consents import BINDS, PROMISE_EVERY
from common.store.spool import find_left, find_spools
from tests.e2e.site import Site, until
from tests.e2e.test_store_away import CADENCE, DROP_SECONDS, FIRST, SECOND, THIRD, codes, furnish, lines, server, until_known
from tests.store.cuttable_way import CuttableWay
from tests.store.postgres_server import PASSWORD, PostgresServer

__all__ = ["server"]

pytestmark = pytest.mark.timeout(300)

#: Seconds until another instance leads: a lease of eight seconds, and a busy machine.
TAKEOVER = 25.0


def times(site: Site, event: str) -> list[float]:
    """When the coordinator logged this, in epoch seconds."""
    return [datetime.fromisoformat(line["ts"]).timestamp() for line in lines(site, event)]


def count_rows(server: PostgresServer) -> int:
    """How many rows wait to be taken over."""
    with server.connect() as beside:
        row = beside.execute("SELECT count(*) FROM spooled").fetchone()
    return int(row[0]) if row else 0


def told_once(site: Site, name: str) -> None:
    """Until a name is told; under one id."""
    until(lambda: site.told(name), DROP_SECONDS + TAKEOVER, f"a notice about {name}")
    assert len({item.id for item in site.told(name)}) == 1


def test_one_that_is_cut_off_alone_stops_and_one_that_promised_waits(server: PostgresServer, tmp_path: Path) -> None:
    """The leader goes on only where the other one finds the server away too; that one takes over once its word has run out."""
    settings = {**CADENCE, "STATE_DIR": str(tmp_path / "s")}
    with ExitStack() as ending:
        sites, ways = [], []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            way = ending.enter_context(closing(CuttableWay(server.port)))
            url = server.url(password=PASSWORD).replace(f":{server.port}/", f":{way.port}/")
            own = {**settings, "INSTANCE_ID": name, "STORE_URL": url}
            lab = sites[0].do(lambda lab: lab.environment()) if sites else {}
            sites.append(ending.enter_context(Site.open(tmp_path / name, {**lab, **own}, None if sites else furnish)))
            ways.append(way)
        (one, two), (way_one, way_two) = sites, ways
        until_known(one)
        until(lambda: two.call("/health").status == 200 and not codes(two), 30, f"health: {codes(two)}", 0.1)
        time.sleep(2 * LOOK_EVERY)  # which others there are is looked up so often

        way_one.cut()
        until(lambda: times(two, "instance_leads"), TAKEOVER, "that the other one leads", 0.1)
        assert lines(one, "store_spooling") == []
        assert times(one, "store_away")[0] < times(two, "instance_leads")[0]
        one.purge(FIRST)
        told_once(one, FIRST)
        way_one.heal()
        until(lambda: lines(one, "instance_follows"), 10, "that the first one follows", 0.1)
        until(lambda: not codes(one) and not codes(two), 30, f"health: {codes(one)}, {codes(two)}", 0.1)

        way_one.cut()
        way_two.cut()
        one.purge(SECOND)
        told_once(one, SECOND)
        assert len(lines(two, "store_spooling")) == 1
        way_one.heal()
        healed = until(lambda: times(one, "store_back")[1:], 10, "that it finds the server", 0.1)[0]
        until(lambda: times(one, "instance_leads")[1:], BINDS + TAKEOVER, "that it leads again", 0.1)
        stopped, led = times(two, "store_away")[-1], times(one, "instance_leads")[1]
        assert stopped < led, "never both"
        assert led - healed > BINDS - 2 * PROMISE_EVERY - 1.0, "it kept its word"
        way_two.heal()
        one.purge(THIRD)
        told_once(one, THIRD)
        told_once(one, SECOND)
        until(lambda: not codes(one) and not codes(two), 30, f"health: {codes(one)}, {codes(two)}", 0.1)
        until(lambda: lines(two, "spool_handed_over"), 10, "that what it decided is handed over", 0.1)
        until(lambda: lines(one, "taken_over"), 10, "that it is taken over", 0.1)
        until(lambda: not count_rows(server), 10, "that nothing is left of it", 0.1)
        assert find_spools(two.stack.instance_dir) == find_left(two.stack.instance_dir) == []
        counted = Counter(event["domain"] for event in one.events() if event["kind"] == "available")
        assert counted == {FIRST: 1, SECOND: 1, THIRD: 1}
        for site in sites:
            assert lines(site, "bug", "crashed") == []
            assert {beat.restarts for beat in heartbeat.read_heartbeats(site.stack.instance_dir).values()} == {0}
        assert [site.stop() for site in reversed(sites)] == [[], []]
