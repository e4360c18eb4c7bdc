"""Queries made in batches are the queries that are made one by one."""

from __future__ import annotations

import random

import pytest

from common.core.parsers.dns_batch import MOST_QUERIES, QueryTemplate, patch_id
from common.core.parsers.dns_wire import NS, build_query

NAMES = [f"name{number:03d}.co.test" for number in range(MOST_QUERIES)]


class Same:
    """Random bits that are all zero, or all one."""

    def __init__(self, ones: bool) -> None:
        self._ones = ones

    def getrandbits(self, k: int, /) -> int:
        """`k` equal bits."""
        return (1 << k) - 1 if self._ones else 0


@pytest.mark.parametrize("edns", [True, False])
@pytest.mark.parametrize("count", [1, 2, 63, 64])
def test_batch_is_what_single_queries_are(edns: bool, count: int) -> None:
    """Without mixed case the bytes are those of `build_query` with the same ids."""
    batch = QueryTemplate("co.test", edns=edns, mixed=False).build_batch(NAMES[:count], random.Random(1))
    expected = [
        build_query(name, NS, int.from_bytes(query_id), edns=edns)
        for name, query_id in zip(NAMES[:count], batch.ids, strict=True)
    ]

    assert bytes(batch.wire) == b"".join(expected)
    assert batch.size == len(expected[0])
    assert batch.questions == [query[12 : 12 + len(batch.questions[0])] for query in expected]


def test_letter_case_is_mixed_letter_by_letter() -> None:
    """Every letter of label and suffix takes both cases, nothing else changes, and no two letters are tied together."""
    template, rng = QueryTemplate("test"), random.Random(2)
    questions = [template.build_batch(["some-name1.test"], rng).questions[0] for _ in range(400)]
    letters = [at for at, byte in enumerate(questions[0]) if chr(byte).isalpha()]
    patterns = {tuple(chr(question[at]).isupper() for at in letters) for question in questions}

    assert {question.lower() for question in questions} == {b"\nsome-name1\4test\0\0\2\0\1"}
    assert len(patterns) > 350  # of 4,096
    for at in range(len(letters)):
        assert 150 < sum(pattern[at] for pattern in patterns) < 250
    for first in range(len(letters) - 1):
        assert 150 < sum(pattern[first] == pattern[first + 1] for pattern in patterns) < 250


def test_all_bits_are_used_as_they_come() -> None:
    """With zero bits the question stays in lower case; with ones it is upper case, and the ids are all ones."""
    low = QueryTemplate("test").build_batch(["name.test"] * 3, Same(ones=False))
    high = QueryTemplate("test").build_batch(["name.test"] * 3, Same(ones=True))

    assert set(low.questions) == {b"\4name\4test\0\0\2\0\1"}
    assert set(high.questions) == {b"\4NAME\4TEST\0\0\2\0\1"}
    assert (set(low.ids), set(high.ids)) == ({b"\0\0"}, {b"\xff\xff"})


def test_another_id_is_patched_into_its_query_alone() -> None:
    """The other queries of the batch stay as they were."""
    batch = QueryTemplate("co.test").build_batch(NAMES[:3], random.Random(3))
    before = bytes(batch.wire)
    patch_id(batch, 1, b"\x12\x34")

    assert batch.ids[1] == b"\x12\x34"
    assert bytes(batch.wire) == before[: batch.size] + b"\x12\x34" + before[batch.size + 2 :]


@pytest.mark.parametrize(
    "names",
    [
        ["a.test", "ab.test"],
        ["www.a.test"],
        ["a.other"],
        ["atest"],
        ["test"],
        [".test"],
        ["x" * 64 + ".test"],
        ["a b.test"],
        ["a\nb.test"],
        ["a.test\nb.test"],
        ["a\0b.test"],
        ["\u00e9.test"],
        ["\u0130.test"],
        ["a.test", "a.tesx"],
        ["a.test.test"],
        ["a.test."],
    ],
)
def test_names_that_are_not_one_label_below_the_suffix_are_refused(names: list[str]) -> None:
    """Several lengths, several labels, other suffixes, and characters that no host name has."""
    with pytest.raises(ValueError):  # noqa: PT011 - the encoder's own errors are among them
        QueryTemplate("test").build_batch(names, random.Random(1))


def test_longest_names_are_built() -> None:
    """A label of 63 letters, and upper case letters of a list, are asked like any other."""
    name = "x" * 63 + ".test"
    batch = QueryTemplate("test", mixed=False).build_batch([name, name.upper()], random.Random(1))

    assert set(batch.questions) == {build_query(name, NS, 0)[12:-11]}
