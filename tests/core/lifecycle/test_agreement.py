"""What uncertain observations agree on."""

from __future__ import annotations

from common.core.lifecycle.agreement import Agreed, Bounds, find_commonest, find_range


def test_the_distance_to_bounds_is_nothing_between_them() -> None:
    """On either side it grows."""
    assert [Bounds(2, 4).distance(value) for value in (1, 2, 3, 4, 6)] == [1, 0, 0, 0, 2]


def test_the_commonest_value_lies_in_most_bounds() -> None:
    """In the middle of what these have in common; of several the first."""
    assert find_commonest([Bounds(0, 10), Bounds(4, 8), Bounds(6, 20), Bounds(30, 40)]) == 7
    assert find_commonest([Bounds(30, 40), Bounds(1, 1)]) == 35


def test_bounds_that_have_values_in_common_agree_on_these() -> None:
    """One and the same value may have been seen each time."""
    assert find_range([Bounds(0, 10), Bounds(4, 8), Bounds(6, 20)]) == Agreed(6, 8, varies=False)
    assert find_range([Bounds(3, 3), Bounds(3, 5)]) == Agreed(3, 3, varies=False)


def test_of_bounds_without_a_common_value_the_range_between_them_has_one_of_each() -> None:
    """From the first end to the last begin."""
    assert find_range([Bounds(0, 2), Bounds(1, 6), Bounds(5, 9)]) == Agreed(2, 5, varies=True)
