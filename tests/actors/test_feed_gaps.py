"""Which events a subscriber of the feed has missed."""

from __future__ import annotations

from actors.cli.feed_gaps import LATE, MOST_INSTANCES, MOST_WAITED_FOR, EventGaps


class Scene:
    """A subscriber, what it is told, and a clock."""

    def __init__(self) -> None:
        self.gaps = EventGaps()
        self.at = 0.0

    def event(self, seq: object, shard: object = None, instance: str = "here") -> list[str]:
        """An event came, of a shard where there are several; what is said of it."""
        payload = {"type": "event", "seq": seq, "instance": instance, **({} if shard is None else {"shard": shard})}
        return [*self.gaps.note_event(payload, self.at)]

    def later(self, seconds: float) -> list[str]:
        """Time passes; what is said then."""
        self.at += seconds
        return [*self.gaps.find_overdue(self.at)]


def test_the_events_of_one_coordinator_come_in_order() -> None:
    """A number that is left out is missed at once, one that is lower begins anew; what has no number says nothing."""
    scene = Scene()
    assert [scene.event(seq) for seq in (5, 5, 6, None)] == [[], [], [], []]
    assert scene.event(9) == ["2 events of here were missed; GET /events?after=6 has them"]
    assert scene.event(1, instance="there") == []
    assert scene.event(2) == ["here began again at event 2"]
    assert scene.later(LATE + 1) == []


def test_instances_are_forgotten_where_there_are_too_many() -> None:
    """With them where their events were."""
    scene = Scene()
    for number in range(MOST_INSTANCES + 1):
        assert scene.event(1, instance=str(number)) == []
    assert scene.event(9, instance="0") == []
    assert scene.event(9, instance=str(MOST_INSTANCES)) != []


def test_events_of_several_shards_may_come_in_another_order() -> None:
    """Whichever instance leads; a first one with a lower number was under way."""
    scene = Scene()
    for seq, shard in ((7, 0), (5, 1), (10, 1), (8, 0), (9, 2), (10, 1)):
        assert scene.event(seq, shard, f"i{seq}") == []
        assert scene.later(1.0) == []
    assert scene.later(LATE) == []


def test_a_number_that_does_not_come_for_a_while_is_missed() -> None:
    """It is said once, with all others that were waited for as long."""
    scene = Scene()
    scene.event(7, 0)
    scene.event(10, 1)
    assert scene.later(1.0) == []
    scene.event(12, 1)
    assert scene.later(LATE - 0.5) == ["2 events were missed; GET /events?after=7 has them"]
    assert scene.later(1.0) == ["1 events were missed; GET /events?after=10 has them"]
    assert scene.event(8, 0) == []
    assert scene.later(99.0) == []


def test_too_many_are_not_waited_for() -> None:
    """Those that were are told of with them."""
    scene = Scene()
    scene.event(1, 0)
    scene.event(3, 0)
    assert scene.event(3 + MOST_WAITED_FOR, 1) == []
    assert scene.event(5 + MOST_WAITED_FOR, 1) == [f"{MOST_WAITED_FOR + 1} events were missed; GET /events?after=1 has them"]
    assert scene.later(LATE + 1) == []


def test_a_shard_whose_numbers_fall_begins_anew() -> None:
    """With another database; all shards do then."""
    scene = Scene()
    scene.event(7, 0)
    scene.event(9, 1)
    assert scene.event(2, 1) == ["the events began again at 2"]
    assert scene.event(1, 0) == []
    assert scene.event(3, 0) == []
    assert scene.later(LATE + 1) == []


def test_a_shard_that_cannot_be_is_none() -> None:
    """The number counts as that of the instance."""
    scene = Scene()
    for shard in (64, -1, "x"):
        scene.event(5, shard, f"i{shard}")
        assert scene.event(7, shard, f"i{shard}") == [f"1 events of i{shard} were missed; GET /events?after=5 has them"]
