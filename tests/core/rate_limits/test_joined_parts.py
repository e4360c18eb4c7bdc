"""What several parts of a bucket learned, as one."""

from __future__ import annotations

from common.core.rate_limits.saved import Saved, join_saved


def test_of_several_parts_the_most_careful_counts() -> None:
    """The longest pause and the lowest rates; the counts of one day are added up."""
    one = Saved(5.0, 2.0, "slow down", "row", 2, 1.0, None, 3, 1, day=7, used=40, stated=9.0, complained_at=4.0, is_limit=True)
    other = Saved(9.0, 3.0, "banned", "row", 2, 1.0, 4.0, 1, 2, day=7, used=2, stated=8.0)
    before = Saved(0.0, 1.0, day=6, used=500)

    found = join_saved([{"a|x": one, "b|x": one}, {"a|x": other}, {"a|x": before}])

    assert found["b|x"] == one
    learned = {"complained_at": 4.0, "is_limit": True}
    assert found["a|x"] == Saved(9.0, 1.0, "banned", "-", 2, 1.0, 4.0, 3, 2, day=7, used=42, stated=8.0, **learned)


def test_parts_that_learned_nothing_of_a_rate_leave_the_others_alone() -> None:
    """A rate that is not known is not the lowest one."""
    plain = Saved(0.0, 3.0)
    found = join_saved([{"a|x": plain}, {"a|x": Saved(0.0, 3.0, banned=2.0, stated=5.0)}, {"a|x": plain}])["a|x"]
    assert (found.banned, found.stated) == (2.0, 5.0)
    assert join_saved([{"a|x": plain}, {"a|x": plain}])["a|x"].banned is None
