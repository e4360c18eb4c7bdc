"""Which instances the proxy takes for alive, and which one for the leader."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.proxy.upstreams import FRESH, SILENT, Found, Upstreams, read_instances
from common.store.lease_contract import Leader
from tests.actors.proxy_lab import Instance

NOW = 1_800_000_000.0


def leader(name: str, epoch: int) -> Leader:
    """A leader."""
    return Leader(name, "b", epoch, "", "")


class Scene:
    """Upstreams with clocks that are turned by hand."""

    def __init__(self) -> None:
        self.moment, self.now = 100.0, NOW
        self.instances = Upstreams(Path("state"), lambda: self.moment, lambda: self.now)

    def advance(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self.moment += seconds
        self.now += seconds

    def note(self, **beats: float | None) -> None:
        """A look that found instances with these heartbeats."""
        self.instances.note([self.found(name, at) for name, at in beats.items()])

    @staticmethod
    def found(name: str, at: float | None, known: Leader | None = None, others: dict[int, Leader] | None = None) -> Found:
        """What one instance says."""
        beats = {} if at is None else {"control": at, "feed": at}
        leaders = {} if known is None else {0: known}
        return Found(Path("state/instances") / name, beats, leaders | (others or {}))

    def candidates(self) -> list[str]:
        """The names of the candidates."""
        return [directory.name for directory in self.instances.find_candidates("control")]

    def silent(self, name: str) -> bool:
        """Whether that one is silent."""
        return self.instances.is_silent(Path("state/instances") / name, "control")


def test_a_heartbeat_keeps_an_instance_for_some_seconds() -> None:
    """Then it gets no new connection, and later loses those it has."""
    scene = Scene()
    scene.note(a=NOW)
    scene.advance(FRESH)
    assert scene.candidates() == ["a"]
    scene.advance(0.1)
    assert scene.candidates() == []
    scene.note(a=NOW)
    assert not scene.silent("a")
    scene.advance(SILENT - FRESH)
    scene.note(a=NOW)
    assert scene.silent("a")
    scene.note(a=scene.now)
    assert (scene.candidates(), scene.silent("a")) == (["a"], False)


def test_an_old_heartbeat_is_old_at_the_first_look() -> None:
    """What died before the proxy came is no candidate."""
    scene = Scene()
    scene.note(a=NOW - FRESH - 0.1, b=NOW - FRESH, c=None)
    assert scene.candidates() == ["b"]


def test_a_clock_that_is_set_silences_no_instance() -> None:
    """An hour ahead or back: as long as heartbeats change, their instance lives."""
    scene = Scene()
    scene.note(a=NOW)
    for jump in (3600.0, -7200.0):
        scene.now += jump
        scene.advance(1.0)
        scene.note(a=scene.now - 100.0)
        assert (scene.candidates(), scene.silent("a")) == (["a"], False)


def test_a_pause_of_the_proxy_itself_silences_no_instance() -> None:
    """After a minute without a look it looks before it judges; only what has not changed since the look before is old."""
    scene = Scene()
    scene.note(a=NOW, b=NOW)
    scene.advance(60.0)
    assert (scene.candidates(), scene.silent("a")) == ([], False)
    scene.note(a=scene.now, b=NOW)
    assert (scene.candidates(), scene.silent("a"), scene.silent("b")) == (["a"], False, True)


def test_a_heartbeat_that_cannot_be_read_counts_as_the_last_one() -> None:
    """A file that is missing for a moment closes nothing; an instance whose directory is gone does not live."""
    scene = Scene()
    scene.note(a=NOW)
    scene.advance(1.0)
    scene.note(a=None)
    assert (scene.candidates(), scene.silent("a")) == (["a"], False)
    scene.advance(SILENT)
    scene.note(a=None)
    assert scene.silent("a")
    scene.note(a=scene.now)
    scene.note()
    assert (scene.candidates(), scene.silent("a")) == ([], True)


def test_the_leader_comes_first() -> None:
    """Where files disagree the highest epoch counts, but not what a dead instance remembers of an earlier store."""
    scene = Scene()
    a, b, c = (("a", NOW, leader("b", 7)), ("b", NOW, leader("c", 8)), ("c", NOW, None))
    old = ("old", NOW - SILENT - 1, leader("old", 99))
    scene.instances.note([scene.found(*each) for each in (a, b, c, old)])

    assert scene.instances.leader == leader("c", 8)
    assert scene.candidates() == ["c", "a", "b"]


def test_the_leader_of_the_first_shard_comes_first_and_others_lead_as_well() -> None:
    """Each shard has the leader of its own highest epoch."""
    scene = Scene()
    a = scene.found("a", NOW, leader("c", 2), {1: leader("a", 9), 2: leader("c", 1)})
    b = scene.found("b", NOW, None, {1: leader("b", 3), 2: leader("c", 1)})
    scene.instances.note([a, b, scene.found("c", NOW)])

    assert scene.candidates() == ["c", "a", "b"]
    assert [scene.instances.leads(Path("state/instances") / name) for name in "abc"] == [True, False, True]


def test_no_leader_is_known_where_none_is_named() -> None:
    """The candidates are there in the order of their names."""
    scene = Scene()
    scene.note(b=NOW, a=NOW)

    assert (scene.instances.leader, scene.candidates()) == (None, ["a", "b"])


def test_the_directories_are_read(tmp_path: Path) -> None:
    """Heartbeats and leader of each; files beside them, broken ones and links are passed over."""
    first, second = Instance(tmp_path, "a"), Instance(tmp_path, "b")
    first.beat()
    first.know_leader("b", 3)
    (second.directory / "heartbeats" / "control.json").write_text("{", encoding="ascii")
    (second.directory / "leader.json").write_text("[]", encoding="ascii")
    (tmp_path / "instances" / "file").touch()
    (tmp_path / "instances" / "link").symlink_to(first.directory)

    found = {each.directory.name: (set(each.beats), each.leaders) for each in read_instances(tmp_path)}
    assert found == {"a": ({"control", "feed"}, {0: leader("b", 3)}), "b": (set(), {})}
    assert read_instances(tmp_path / "nowhere") == []


def test_a_look_is_awaited(tmp_path: Path) -> None:
    """Those that wait for an instance go on with the next look, or after their time."""

    async def story() -> None:
        upstreams = Upstreams(tmp_path)
        async with asyncio.timeout(5):
            await upstreams.await_look(0.01)
            waiting = asyncio.create_task(upstreams.await_look(60))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            Instance(tmp_path, "a").beat()
            await upstreams.look()
            await waiting
        assert [each.name for each in upstreams.find_candidates("control")] == ["a"]

    asyncio.run(story())


@pytest.mark.parametrize("process", ["control", "feed"])
def test_each_process_is_judged_by_its_own_heartbeat(process: str) -> None:
    """An instance may live without its feed."""
    scene = Scene()
    scene.instances.note([Found(Path("state/instances/a"), {process: NOW}, {})])

    assert [bool(scene.instances.find_candidates(each)) for each in (process, "coordinator")] == [True, False]
