"""The whole service with its watch list in two shards over one PostgreSQL: every name is watched, by whichever instance leads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common.core.registries.back_ends import group_suffixes
from common.core.shards.layout import build_layout
from tests.e2e.site import Site, until
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
