"""The server of the database goes away in every way, and comes back: names are watched at once, and nothing is lost."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from actors.coordinator.membership import LOOK_EVERY
from common import heartbeat
from tests.e2e.site import Site, until
from tests.lab import story
from tests.lab.lab import Lab
from tests.lab.story import Alarm, Role, Scene
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(240)

CADENCE = {
    "CHECK_INTERVAL": "1", "PRIORITY_CHECK_INTERVAL": "0.5", "CONFIRM_GAP": "2", "CONFIRM_GAP_CLOSE": "1",
    "CALLBACK_RESULTS": "changes",
}  # fmt: skip
FIRST, SECOND, THIRD, FOURTH, FIFTH = NAMES = (
    "early-bird.com", "second-wind.org", "third-time.com", "fourth-wall.org", "fifth-wheel.com",
)  # fmt: skip
STAYS = "granite-press.com"
CAST = [Role(name, Scene.LAST_DAY, Alarm.MUST, priority=True) for name in NAMES] + [Role(STAYS)]
#: Seconds from a purge to its notice, and from the return of the server to the next question.
DROP_SECONDS, BACK_SECONDS = 25.0, 3.0
#: Seconds for which a server is away that is only restarted, and one that the run does not outlast.
SHORT, LONG = 3.0, 20.0
#: Seconds within which a commit that waits for a lock gives up, and says so.
LOCKED_SECONDS = 20.0


def furnish(lab: Lab) -> None:
    """Names that are about to drop, and one that stays."""
    story.stage(lab.registry, CAST)
    lab.customer.set_watch([*NAMES, STAYS], priority=list(NAMES))


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """The database."""
    with closing(PostgresServer(require_programs())) as opened:
        yield opened


def lines(site: Site, *events: str) -> list[dict[str, Any]]:
    """The log lines of the coordinator with these events."""
    found = [json.loads(line) for line in site.stack.log_tail(100_000)]
    return [line for line in found if line["event"] in events]


def codes(site: Site) -> list[str]:
    """The codes of what /health says is wrong."""
    return [problem["code"] for problem in site.call("/health").json()["problems"]]


def be_away(
    server: PostgresServer, end: Callable[[], object], seconds: float, look: Callable[[], object] = lambda: None
) -> float:
    """Let the server be away for so long; when it was back, in epoch seconds."""
    until_at = time.monotonic() + seconds
    end()
    look()
    time.sleep(max(0.0, until_at - time.monotonic()))  # what is tested is how long it lasts
    server.start()
    return time.time()


def expect_away(site: Site) -> None:
    """Every process stays; what is wrong is told, as something that no restart mends, and reads are put off."""

    def is_told() -> bool:
        problems = site.call("/health").json()["problems"]
        return [(each["code"], each["unwatched"], each["restart_helps"]) for each in problems] == [("store_away", False, False)]

    until(is_told, 20, "that the server is away, and names are watched", 0.1)
    assert (site.call("/health").status, site.call("/ready").status) == (200, 200)
    answer = site.call("/domains")
    assert (answer.status, int(answer.headers["retry-after"]) <= 2) == (503, True)


def until_known(site: Site) -> None:
    """Until all names were checked and are about to drop."""
    until(
        lambda: len(site.call("/domains?state=PENDING_DELETE").json().get("domains", [])) == len(NAMES),
        DROP_SECONDS,
        "the first looks",
        0.1,
    )


def until_watched(site: Site, back: float) -> None:
    """Until names are asked about again; in time."""
    until(lambda: site.do(lambda lab: lab.queries.find(name=STAYS, since=back)), BACK_SECONDS, "a question after the return")


def test_whatever_ends_the_server_names_are_watched_at_once_when_it_is_back(server: PostgresServer, tmp_path: Path) -> None:
    """Stopped for a moment or for long, killed, or with its sessions ended: no crash, no restart, each drop under one id."""
    with Site.open(tmp_path, {**CADENCE, "STORE_URL": server.url(password=PASSWORD)}, furnish) as site:
        until_known(site)
        before = heartbeat.read_heartbeats(site.stack.instance_dir)
        site.purge(FIRST)
        back = be_away(server, server.stop, SHORT)
        until_watched(site, back)
        assert len(lines(site, "instance_leads")) == 1, "a restart of the server ends no run"
        site.purge(SECOND)
        back = be_away(server, server.stop, LONG, lambda: expect_away(site))
        until_watched(site, back)
        until(lambda: site.call("/health").status == 200 and not codes(site), 5, f"health: {codes(site)}", 0.1)
        assert site.call("/domains").status == 200
        site.purge(THIRD)
        back = be_away(server, server.kill, SHORT)
        until_watched(site, back)
        site.purge(FOURTH)
        for _ in range(5):
            until(server.end_sessions, 10, "a session: names are watched without one")
            until_watched(site, time.time())
        site.purge(FIFTH)
        for name in NAMES:
            until(lambda name=name: site.told(name), DROP_SECONDS, f"a notice about {name}")  # type: ignore[misc]  # a bound default
        after = heartbeat.read_heartbeats(site.stack.instance_dir)
        assert {name: (beat.pid, beat.restarts) for name, beat in after.items()} == {
            name: (beat.pid, beat.restarts) for name, beat in before.items()
        }
        assert site.stack.crashes() == []
        assert lines(site, "crashed", "start_delayed", "bug") == []
        assert lines(site, "store_away") == []
        assert len(lines(site, "store_spooling")) == len(lines(site, "store_back")) >= 1
        events = Counter((event["domain"], event["id"]) for event in site.events())
        assert max(events.values()) == 1
        for name in NAMES:
            assert len({item.id for item in site.told(name)}) == 1
        assert site.stop() == []


def test_the_leader_of_two_instances_goes_on_while_the_server_is_away(server: PostgresServer, tmp_path: Path) -> None:
    """The other one promises to take no lease; both say the same, and afterwards both are well, with the leader they had."""
    settings = {**CADENCE, "STORE_URL": server.url(password=PASSWORD), "STATE_DIR": str(tmp_path / "s")}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with ExitStack() as ending:
        one = ending.enter_context(Site.open(tmp_path / "one", {**settings, "INSTANCE_ID": "one"}, furnish))
        further = {**one.do(lambda lab: lab.environment()), **settings, "INSTANCE_ID": "two"}
        two = ending.enter_context(Site.open(tmp_path / "two", further))
        until(lambda: one.do(lambda lab: lab.queries.find(name=STAYS)), DROP_SECONDS, "the first question")
        until_known(one)
        time.sleep(2 * LOOK_EVERY)  # which others there are is looked up so often

        def look() -> None:
            for site in (one, two):
                expect_away(site)
            one.purge(FIRST)
            until(lambda: one.told(FIRST), DROP_SECONDS, "a notice while the server is away")

        back = be_away(server, server.stop, LONG, look)
        until_watched(one, back)
        for site in (one, two):
            until(lambda site=site: site.call("/health").status == 200 and not codes(site), 5, f"health: {codes(site)}", 0.1)  # type: ignore[misc]  # a bound default
            assert site.call("/ready").status == 200
            assert {beat.restarts for beat in heartbeat.read_heartbeats(site.stack.instance_dir).values()} == {0}
        assert one.stack.crashes() == []
        assert len(lines(one, "store_away") + lines(two, "store_away")) == 1, "of the one that stands by"
        assert len(lines(one, "store_spooling") + lines(two, "store_spooling")) == 1
        assert len(lines(one, "instance_leads") + lines(two, "instance_leads")) == 1, "the same leads on"
        assert len(one.told(FIRST)) == 1
        until(lambda: FIRST in {event["domain"] for event in two.events() if event["kind"] == "available"}, 5, "the event")
        assert [site.stop() for site in (two, one)] == [[], []]


def test_a_lock_that_another_session_holds_ends_no_run(server: PostgresServer, tmp_path: Path) -> None:
    """As a migration by hand does, for longer than a commit waits: it is told, and nothing is lost."""
    with Site.open(tmp_path, {**CADENCE, "STORE_URL": server.url(password=PASSWORD)}, furnish) as site:
        until(
            lambda: len(site.call("/domains?state=PENDING_DELETE").json().get("domains", [])) == 5,
            DROP_SECONDS,
            "the first looks",
            0.1,
        )
        with server.connect() as beside, beside.transaction():
            beside.execute("LOCK TABLE detail IN ACCESS EXCLUSIVE MODE")
            site.purge(FIRST)
            until(lambda: codes(site) == ["store_away"], LOCKED_SECONDS, f"that it is told: {codes(site)}", 0.1)
            (problem,) = site.call("/health").json()["problems"]
            assert "lock timeout" in problem["what"]
            assert site.call("/health").status == 200
            assert site.told(FIRST) == []
        until_watched(site, time.time())
        until(lambda: site.told(FIRST), DROP_SECONDS, "a notice")
        until(lambda: not codes(site), 5, f"health: {codes(site)}", 0.1)
        assert len({item.id for item in site.told(FIRST)}) == 1
        assert max(Counter((event["domain"], event["kind"], event["generation"]) for event in site.events()).values()) == 1
        assert len(lines(site, "instance_leads")) == 1
        assert (site.stack.crashes(), lines(site, "crashed", "start_delayed", "bug", "lease_lost")) == ([], [])
        assert site.stop() == []
