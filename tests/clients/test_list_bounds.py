"""How much a list that is divided may cost."""

from __future__ import annotations

from common.clients.list_text import DEFAULT_BOUNDS, MOST_TIMES_LONGER


def test_the_list_of_several_shards_may_be_larger_and_take_longer() -> None:
    """As many times larger as there are shards; the time has an end."""
    assert DEFAULT_BOUNDS.multiply(1) == DEFAULT_BOUNDS
    four = DEFAULT_BOUNDS.multiply(4)
    assert (four.wire, four.unpacked, four.total) == (
        4 * DEFAULT_BOUNDS.wire,
        4 * DEFAULT_BOUNDS.unpacked,
        4 * DEFAULT_BOUNDS.total,
    )
    assert (four.ratio, four.reserve, four.read) == (DEFAULT_BOUNDS.ratio, DEFAULT_BOUNDS.reserve, DEFAULT_BOUNDS.read)
    assert DEFAULT_BOUNDS.multiply(64).total == MOST_TIMES_LONGER * DEFAULT_BOUNDS.total
