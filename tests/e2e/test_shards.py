"""The whole service with its watch list in two shards over one PostgreSQL: every name is watched, whichever instance leads."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from common.config import load
from common.core.registries.back_ends import group_suffixes
from common.core.shards.layout import build_layout
from common.processes.balance import LEADING, SETTLED
from common.store.shard_view import open_shard_views
from tests.cluster.cluster import set_budgets
from tests.cluster.invariants import WINDOW, allowed_in, find_excess, peak
from tests.cluster.records import Limit
from tests.e2e.site import Site, until
from tests.e2e.test_instances import signal_all
from tests.lab import story
from tests.lab.lab import Lab
from tests.lab.story import Alarm, Role, Scene
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(300)

LAYOUT = build_layout(2, ("com", "net"), group_suffixes())
CADENCE = {
    "SHARDS": "2", "CHECK_INTERVAL": "3", "PRIORITY_CHECK_INTERVAL": "1", "CONFIRM_GAP": "2", "CONFIRM_GAP_CLOSE": "1",
    "CALLBACK_RESULTS": "changes",
}  # fmt: skip
#: Names that drop and names that stay, of both shards.
DROPS = ("early-bird.com", "last-call.com", "second-wind.org", "new-captain.com")
STAYS = ("granite-press.com", "blaue-stunde.de")
#: Seconds from a purge to its notice.
DROP_SECONDS = 25.0
#: Seconds that a busy machine may take beside what is agreed.
BUSY = 20.0
#: Seconds within which the shards of an instance that was killed are led by another one, and of one that was stopped.
KILLED, STOPPED = 25.0, 8.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """The database server; each test makes a database."""
    with closing(PostgresServer(require_programs())) as opened:
        yield opened


def furnish(lab: Lab) -> None:
    """Names that are about to drop, names that stay, and one that cannot be watched."""
    story.stage(
        lab.registry, [Role(name, Scene.LAST_DAY, Alarm.MUST, priority=True) for name in DROPS] + list(map(Role, STAYS))
    )
    lab.customer.set_watch([*DROPS, *STAYS, "no name at all"], priority=list(DROPS))


def await_first_looks(site: Site) -> None:
    """Until what drops is seen to be about to."""

    def seen() -> bool:
        found = site.call("/domains?state=PENDING_DELETE&limit=100").json().get("domains", [])
        return {row["domain"] for row in found} == set(DROPS)

    until(seen, DROP_SECONDS, "the first looks", 0.1)


def test_names_of_both_shards_are_told_once_by_one_sequence(server: PostgresServer, tmp_path: Path) -> None:
    """Each shard has some of the names; problems of the list are told once, and everything stops in order."""
    assert {LAYOUT.shard_of(name) for name in DROPS} == {LAYOUT.shard_of(name) for name in STAYS} == {0, 1}
    with Site.open(tmp_path, {**CADENCE, "STORE_URL": server.url(password=PASSWORD)}, furnish) as site:
        await_first_looks(site)
        assert {"coordinator", "coordinator-1", "checker-deep-1", "notifier-1"} <= set(site.processes())
        for name in DROPS:
            site.purge(name)
        for name in DROPS:
            until(lambda name=name: site.told(name), DROP_SECONDS, f"a notice of {name}")  # type: ignore[misc]  # a bound default
        until(lambda: site.call("/health").status == 200, DROP_SECONDS, "health", 0.2)
        events = site.events()
        numbers = [event["seq"] for event in events]
        assert numbers == sorted(set(numbers))
        free = [event for event in events if event["kind"] == "available"]
        assert sorted(event["domain"] for event in free) == sorted(DROPS)
        told = {name: site.told(name) for name in DROPS}
        assert all(len({item.id for item in items}) == 1 for items in told.values())
        assert {items[0].data["seq"] for items in told.values()} <= set(numbers)
        assert [site.call(f"/domain/{name}").json()["state"] for name in STAYS] == ["REGISTERED"] * len(STAYS)
        assert len(site.call("/problems").json()["problems"]) == 1
        assert site.stop() == []
    assert site.stack.crashes() == []


def test_the_shards_together_keep_to_the_budgets_of_one(server: PostgresServer, tmp_path: Path) -> None:
    """In any ten seconds, counted by the servers that are asked; what is allowed is used."""
    limits: dict[tuple[str, ...], Limit] = {}
    names = [f"busy-name-{number}.com" for number in range(40)]

    def crowd(lab: Lab) -> None:
        limits.update(set_budgets(lab))
        story.stage(lab.registry, list(map(Role, names)))
        lab.customer.set_watch(names, priority=names)

    url = server.url(server.new_schema(), password=PASSWORD)
    with Site.open(tmp_path, {**CADENCE, "STORE_URL": url}, crowd) as site:
        asked = ("dns/com",)
        until(lambda: site.do(lambda lab: lab.queries.find(server=asked[0])), DROP_SECONDS, "a first query", 0.2)
        begin = time.time()
        until(lambda: time.time() - begin > 2.5 * WINDOW, 3 * WINDOW, "some windows have passed", 0.5)
        queries = site.do(lambda lab: lab.queries.find())
        assert find_excess(queries, limits) == []
        count, _ = peak(sorted(query.at for query in queries if query.server == asked[0]))
        assert count > 0.5 * allowed_in(limits[asked])
        assert {LAYOUT.shard_of(query.name) for query in queries if query.name in names} == {0, 1}
        assert site.stop() == []


@contextmanager
def joined(site: Site, directory: Path, name: str, url: str) -> Iterator[Site]:
    """A further instance beside that of a site, healthy, with a state directory of its own."""
    (directory / name).mkdir()
    settings = {**site.do(lambda lab: lab.environment()), **CADENCE, "STORE_URL": url, "INSTANCE_ID": name, "EGRESS_ID": name}
    with Site.open(directory / name, settings) as opened:
        yield opened


def test_shards_are_shared_by_two_instances_and_taken_over(server: PostgresServer, tmp_path: Path) -> None:
    """Each leads one after a while; the shards of one that is killed or stopped are led by the other, and no name is lost."""
    url = server.url(server.new_schema(), password=PASSWORD)
    views = open_shard_views(load({"STATE_DIR": str(tmp_path / "views"), "STORE_URL": url, "SHARDS": "2"}))

    def leaders() -> tuple[str, ...]:
        return views.read().leaders

    def drop(name: str) -> None:
        one.purge(name)
        until(lambda: one.told(name), DROP_SECONDS + KILLED, f"a notice of {name}")

    with ExitStack() as ending:
        ending.callback(views.close)
        (tmp_path / "one").mkdir()
        first = {**CADENCE, "STORE_URL": url, "INSTANCE_ID": "one"}
        one = ending.enter_context(Site.open(tmp_path / "one", first, furnish))
        assert leaders() == ("one", "one")
        two = ending.enter_context(joined(one, tmp_path, "two", url))
        until(lambda: leaders() == ("one", "two"), SETTLED + LEADING + BUSY, "each leads one", 0.1)
        handed_over = time.monotonic()
        for name in ("early-bird.com", "last-call.com"):
            drop(name)

        signal_all(two, signal.SIGKILL)
        killed = time.monotonic()
        assert killed > handed_over
        until(lambda: leaders() == ("one", "one"), KILLED, "one leads both", 0.05)
        drop("new-captain.com")

        three = ending.enter_context(joined(one, tmp_path, "three", url))
        assert leaders() == ("one", "one")
        assert one.stop() == []
        until(lambda: leaders() == ("three", "three"), STOPPED, "three leads both", 0.05)
        drop("second-wind.org")
        assert three.stop() == []
        assert all(len({item.id for item in one.told(name)}) == 1 for name in DROPS)
    assert [site.stack.crashes() for site in (one, three)] == [[], []]
