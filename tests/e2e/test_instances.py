"""Two whole stacks on one state: one leads, and the other one takes over where that is stopped, paused or killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.control.instance_watch import SETTLED
from actors.control.member_watch import SILENT_AFTER
from common import heartbeat, process_tree
from tests.e2e.site import Site, until
from tests.lab import net

pytestmark = pytest.mark.timeout(240)

#: Seconds within which the other instance leads, on a busy machine.
TAKEN_OVER = 15.0
#: Problems of a list without names.
OF_LIST = {"list_held", "no_names"}
#: Seconds until an instance that is paused or was killed is told.
TOLD = SILENT_AFTER + SETTLED + 6.0


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A state for all, and a list without names."""
    (tmp_path / "domains.txt").write_text("", encoding="utf-8")
    return tmp_path


@contextmanager
def instance(shared: Path, name: str) -> Iterator[Site]:
    """One instance, healthy, without a network."""
    (shared / name).mkdir()
    dead = str(net.free_port())
    settings = {
        "STATE_DIR": str(shared / "s"),
        "INSTANCE_ID": name,
        "DOMAIN_LIST_FILE": str(shared / "domains.txt"),
        "DNS_ROOT_SERVERS": f"{net.HOST}:{dead}",
        "RDAP_BOOTSTRAP_URL": f"http://{net.HOST}:{dead}/dns.json",
    }
    with Site.open(shared / name, settings) as opened:
        yield opened


def seen(site: Site) -> dict[str, tuple[str, str]]:
    """Role and status of every instance, as /health of this one says."""
    rows: list[dict[str, Any]] = site.call("/health").json()["instances"]
    return {row["instance"]: (row["role"], row["status"]) for row in rows}


def problems(site: Site) -> list[tuple[str, str]]:
    """What is wrong, but for the names that a test without names lacks."""
    rows = site.call("/health").json()["problems"]
    return [(row["code"], row["about"]) for row in rows if row["code"] not in OF_LIST]


def hears(site: Site, leader: str) -> bool:
    """Whether this instance hears the coordinator of the one that leads, and nothing is wrong but that there are no names."""
    heard = site.call("/status").json()["coordinator"]
    reasons = site.call("/ready").json()["problems"]
    named = heard.get("leader", {}).get("instance") == leader
    return named and heard["age"] < 5.0 and {problem["code"] for problem in reasons} <= OF_LIST


def signal_all(site: Site, number: int) -> None:
    """Send a signal to every process of an instance, as `docker pause` and the end of a container do."""

    def below(pid: int) -> list[int]:
        return [pid, *(other for child in process_tree.child_pids(pid) for other in below(child))]

    for pid in below(site.stack.pid):
        os.kill(pid, number)


def test_two_instances_on_one_state_take_over_from_each_other(shared: Path) -> None:
    """Each names both and is healthy. One that was stopped vanishes at once; one that is paused or was killed is told."""
    with ExitStack() as ending:
        one = ending.enter_context(instance(shared, "one"))
        two = ending.enter_context(instance(shared, "two"))
        both = {"one": ("leader", "ok"), "two": ("follower", "ok")}
        for site in (one, two):
            until(lambda site=site: seen(site) == both, 10, f"both are seen: {seen(site)}", 0.1)  # type: ignore[misc]  # a bound default
            assert site.call("/health").status == 200
            until(lambda site=site: hears(site, "one"), 10, "its coordinator is heard", 0.1)  # type: ignore[misc]  # a bound default
        assert problems(one) == problems(two) == []

        signal_all(one, signal.SIGSTOP)
        began = time.monotonic()
        until(lambda: seen(two)["two"][0] == "leader", TAKEN_OVER, "two leads", 0.1)
        until(lambda: hears(two, "two"), TAKEN_OVER, "its coordinator is heard", 0.1)
        until(lambda: problems(two) == [("instance_silent", "one")], TOLD, "one is told to be silent", 0.2)
        assert time.monotonic() - began > SILENT_AFTER
        assert seen(two) == {"one": ("follower", "silent"), "two": ("leader", "ok")}
        assert two.call("/health").status == 200
        signal_all(one, signal.SIGCONT)
        turned = {"one": ("follower", "ok"), "two": ("leader", "ok")}
        until(lambda: seen(two) == seen(one) == turned, 40, "one goes on, and follows", 0.2)
        until(lambda: problems(one) == problems(two) == [], 40, "all is well", 0.2)
        until(lambda: hears(one, "two"), TAKEN_OVER, "the coordinator of two is heard", 0.1)

        assert two.stop() == []
        until(lambda: seen(one) == {"one": ("leader", "ok")}, TAKEN_OVER, "one leads, and two is no more", 0.1)
        until(lambda: hears(one, "one"), TAKEN_OVER, "its coordinator is heard", 0.1)
        assert heartbeat.read_heartbeats(two.stack.instance_dir) == {}
        assert problems(one) == []

        three = ending.enter_context(instance(shared, "three"))
        signal_all(one, signal.SIGKILL)
        until(lambda: seen(three)["three"] == ("leader", "ok"), TAKEN_OVER, "three leads", 0.1)
        until(lambda: seen(three)["one"] == ("follower", "gone"), TOLD, "one is gone", 0.2)
        until(lambda: problems(three) == [("instance_silent", "one")], TOLD, "that is told", 0.2)
        assert hears(three, "three")
