"""Two whole stacks with state directories of their own over one PostgreSQL: each names both, whatever becomes of the other."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from actors.control.instance_watch import SETTLED
from actors.control.member_watch import SILENT_AFTER
from common.store.postgres.lease_row import TTL
from tests.e2e.site import Site, until
from tests.e2e.test_instances import hears, problems, seen, signal_all
from tests.lab import net
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(240)

#: Seconds that a busy machine may take beside what is agreed.
BUSY = 20.0


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """The database."""
    with closing(PostgresServer(require_programs())) as opened:
        yield opened


@contextmanager
def instance(tmp_path: Path, name: str, server: PostgresServer) -> Iterator[Site]:
    """One instance, healthy, without a network and with a list without names."""
    (tmp_path / name).mkdir()
    (tmp_path / "domains.txt").write_text("", encoding="utf-8")
    dead = str(net.free_port())
    settings = {
        "INSTANCE_ID": name,
        "EGRESS_ID": f"from-{name}",
        "STORE_URL": server.url(password=PASSWORD),
        "DOMAIN_LIST_FILE": str(tmp_path / "domains.txt"),
        "DNS_ROOT_SERVERS": f"{net.HOST}:{dead}",
        "RDAP_BOOTSTRAP_URL": f"http://{net.HOST}:{dead}/dns.json",
    }
    with Site.open(tmp_path / name, settings) as opened:
        yield opened


def members(server: PostgresServer) -> list[str]:
    """The names of the rows."""
    with closing(server.connect()) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM member ORDER BY name")]


def test_instances_of_two_hosts_are_named_by_each_other(server: PostgresServer, tmp_path: Path) -> None:
    """With egress and processes. One that was killed is silent, and a problem; one that was stopped is no more."""
    with ExitStack() as ending:
        one = ending.enter_context(instance(tmp_path, "one", server))
        two = ending.enter_context(instance(tmp_path, "two", server))
        both = {"one": ("leader", "ok"), "two": ("follower", "ok")}
        for site in (one, two):
            until(lambda site=site: seen(site) == both, BUSY, f"both are seen: {seen(site)}", 0.1)  # type: ignore[misc]  # a bound default
            until(lambda site=site: hears(site, "one"), BUSY, "its coordinator is heard", 0.1)  # type: ignore[misc]  # a bound default
            rows = site.call("/status").json()["instances"]
            assert [(row["egress"], row["own"]) for row in rows] == [("from-one", site is one), ("from-two", site is two)]
            assert site.call("/health").status == 200
        until(lambda: {row["processes"] for row in one.call("/health").json()["instances"]} == {9}, BUSY, "all processes", 0.2)
        assert problems(one) == problems(two) == []
        assert members(server) == ["one", "two"]

        signal_all(one, signal.SIGKILL)
        until(lambda: hears(two, "two"), TTL + BUSY, "two leads and is heard", 0.1)
        until(lambda: problems(two) == [("instance_silent", "one")], SILENT_AFTER + SETTLED + BUSY, "that is told", 0.2)
        assert seen(two) == {"one": ("follower", "silent"), "two": ("leader", "ok")}
        assert two.call("/health").status == 200
        assert two.stop() == []
        assert members(server) == ["one"]
