"""The watched names that the reader of publications takes from every kind of store."""

from __future__ import annotations

from actors.publications.watched_names import load_suffixes_watched, load_watched
from common.config import Settings
from common.core.model.records import Changes, NewName, Watch
from common.store.store_contract import Writer
from tests.store.builders import domain
from tests.store.conftest import UNDIVIDED
from tests.store.shard_scene import Shards


@UNDIVIDED
def test_watched_names_below_a_suffix_are_found(settings: Settings, writer: Writer) -> None:
    """Names right below it or deeper, each once; none of other suffixes, and none that is not watched any more."""
    names = ["a.uk", "b.xuk", "uk.com", "c.uk", "d.uk"]
    writer.apply(Changes(new=[NewName(place, name, name.partition(".")[2], False) for place, name in enumerate(names)]))
    writer.apply(Changes(watches=[Watch(4, watched=False, priority=False)]))

    assert load_suffixes_watched(settings) == {"uk": 2, "xuk": 1, "com": 1}
    found = load_watched(settings, ("uk",))
    assert len(found) == 2
    assert found.take_places(["b.xuk", "a.uk", "d.uk", "a.uk", "e.uk"]) == [[1]]
    assert found.take_places(["c.uk", "a.uk", "d.uk", "c.uk"]) == [[0]]
    assert found.take_places([]) == [[]]


@UNDIVIDED
def test_the_digest_follows_the_names(settings: Settings, writer: Writer) -> None:
    """Another name below the suffix makes another digest; one of another suffix, or another state, does not."""
    writer.apply(Changes(new=[NewName(0, "a.uk", "uk", False)]))
    first = load_watched(settings, ("uk",)).digest
    writer.apply(Changes(new=[NewName(1, "b.com", "com", False)], domains=[domain("a.uk", id=0, state="REDEMPTION")]))
    assert load_watched(settings, ("uk",)).digest == first
    writer.apply(Changes(new=[NewName(2, "c.uk", "uk", False)]))
    assert load_watched(settings, ("uk",)).digest != first


def test_names_are_found_in_the_shard_that_watches_them(shards: Shards) -> None:
    """Each shard of a divided list has its own names."""
    rows = [domain(f"name-{number}.com") for number in range(40)]
    shards.write(rows)
    found = load_watched(shards.settings, ("com",))
    places = found.take_places([row.name for row in rows])
    by_shard = [[place for place, row in enumerate(rows) if shards.layout.shard_of(row.name) == shard] for shard in range(4)]
    assert places == by_shard
    assert sum(map(bool, places)) > 1
