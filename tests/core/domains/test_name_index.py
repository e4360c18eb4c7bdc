"""Ids of names and names of ids, the same as a dict would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.domains.name_index import NameIndex

LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)


@settings(deadline=None)
@given(st.lists(st.lists(LABELS, max_size=40), max_size=8), st.lists(LABELS, max_size=20))
def test_the_index_answers_like_a_dict(batches: list[list[str]], others: list[str]) -> None:
    """Every name has its id, a name that was never added has none."""
    index, known = NameIndex(), dict[str, int]()
    for batch in batches:
        new = [name for name in dict.fromkeys(batch) if name not in known]
        first = index.add_names(new)
        known.update((name, first + place) for place, name in enumerate(new))

    assert len(index) == len(known)
    assert all(index.find_id(name) == name_id and index.name_of(name_id) == name for name, name_id in known.items())
    assert all(index.find_id(name) == known.get(name, -1) for name in others)


def test_every_name_is_found_after_the_index_has_grown_often() -> None:
    """Fifty thousand names in pieces of every size, with gaps where names were deleted."""
    index, ids = NameIndex(), {}
    for piece in range(50):
        names = [f"name-{piece}-{number}.com" for number in range(piece * 40)]
        first = index.add_names(names)
        ids.update((name, first + place) for place, name in enumerate(names))
        index.skip_ids(len(index) + piece)

    assert all(index.find_id(name) == name_id for name, name_id in ids.items())
    assert index.find_id("") == index.find_id("name-1-1.net") == -1


def test_a_gap_has_the_empty_name_and_is_not_found() -> None:
    """The id of a deleted name is not given again."""
    index = NameIndex()
    index.add_names(["a.com"])
    index.skip_ids(5)

    assert index.add_names(["b.com"]) == 5
    assert (index.name_of(3), index.name_of(5), index.find_id("")) == ("", "b.com", -1)
    index.skip_ids(2)
    assert len(index) == 6


def test_names_are_joined_in_the_order_of_their_ids() -> None:
    """Without what is cut off at their ends, the first of all names among them; a gap is an empty line."""
    index = NameIndex()
    index.add_names(["first.com", "a.com"])
    index.skip_ids(5)
    index.add_names(["last.com"])

    assert index.join_names(np.array([5, 0, 1])) == "last.com\nfirst.com\na.com"
    assert index.join_names(np.array([0, 3, 5]), cut=4) == "first\n\nlast"
    assert index.add_names(["grows.com"]) == 6


def test_names_are_in_a_label_form() -> None:
    """Others are refused: the blob is ASCII."""
    with pytest.raises(UnicodeEncodeError):
        NameIndex().add_names(["b\u00fccher.de"])
