"""Which instance leads which shard: how free ones are taken, and when one is handed over."""

from __future__ import annotations

import random

import pytest

from common.processes.balance import (
    FAILED_FOR,
    LEADING,
    LEFT,
    SETTLED,
    STEP,
    Balance,
    HandOver,
    View,
    find_hand_over,
    rank_takers,
)


def view(members: str, leaders: str) -> View:
    """Members and leaders by their letters; "-" is a free shard."""
    return View(frozenset(members), tuple("" if letter == "-" else letter for letter in leaders))


def settled(balance: Balance, seen: View, since: float) -> float:
    """Let a view last until everything has settled; returns when that is."""
    balance.note_view(seen, since)
    return since + SETTLED


@pytest.mark.parametrize(
    ("members", "leaders", "shard", "order"),
    [
        ("ab", "-a", 0, "ba"),
        ("ab", "--", 0, "ab"),
        ("ab", "--", 1, "ba"),
        ("abc", "a--b-", 4, "bca"),
        ("abc", "a--b-", 2, "abc"),
        ("abc", "a--b-", 1, "cab"),
        ("ab", "-b-", 2, "ab"),
        ("", "-", 0, ""),
        ("", "--", 1, ""),
        ("a", "x-", 1, "a"),
    ],
)
def test_a_free_shard_is_for_the_member_that_leads_the_fewest(members: str, leaders: str, shard: int, order: str) -> None:
    """Several that are free at once are dealt, so that they do not all go to one; an instance that is gone takes none."""
    assert rank_takers(view(members, leaders), shard) == list(order)


@pytest.mark.parametrize(
    ("members", "leaders", "planned"),
    [
        ("ab", "aa", HandOver(1, "a", "b")),
        ("ab", "ab", None),
        ("ab", "aab", None),
        ("ab", "aaab", HandOver(2, "a", "b")),
        ("ab", "a-", None),
        ("ab", "aax", None),
        ("abc", "aabb", HandOver(3, "b", "c")),
        ("abc", "aaab", HandOver(2, "a", "c")),
        ("a", "aaaa", None),
        ("", "", None),
    ],
)
def test_a_shard_goes_over_only_where_that_brings_two_nearer(members: str, leaders: str, planned: HandOver | None) -> None:
    """The highest one of the member that leads the most; none while one is free, or led by an instance that is not known."""
    assert find_hand_over(view(members, leaders)) == planned


def test_one_that_did_not_take_a_shard_is_offered_none() -> None:
    """The next one is, where that is of use."""
    assert find_hand_over(view("abc", "aaa"), frozenset("b")) == HandOver(2, "a", "c")
    assert find_hand_over(view("abc", "aac"), frozenset("b")) is None
    assert find_hand_over(view("ab", "aa"), frozenset("ab")) is None


def test_hand_overs_end_with_a_fair_division() -> None:
    """Whatever the beginning is: no member leads two more than another one, and every step makes it better."""
    rng = random.Random(7)
    for _ in range(200):
        members = "abcdef"[: rng.randint(1, 6)]
        now = view(members, "".join(rng.choices(members, k=rng.randint(1, 20))))
        for _ in range(len(now.leaders)):
            if (planned := find_hand_over(now)) is None:
                break
            now = now._replace(leaders=tuple(planned.taker if k == planned.shard else led for k, led in enumerate(now.leaders)))
        counts = now.count_led().values()
        assert max(counts) - min(counts) <= 1
        assert max(counts) <= -(-len(now.leaders) // len(members))


def test_a_shard_is_handed_over_once_nothing_has_changed_for_a_while() -> None:
    """By the coordinator of that shard in the instance that gives it, and by no other one."""
    seen = view("ab", "aa")
    balances = {(name, shard): Balance(name, shard) for name in "ab" for shard in (0, 1)}
    assert not any(balance.is_to_hand_over(1e9) for balance in balances.values())
    for balance in balances.values():
        balance.note_view(seen, 100.0)
        balance.note_view(seen, 130.0)
    assert not any(balance.is_to_hand_over(100.0 + SETTLED - 0.1) for balance in balances.values())
    assert [key for key, balance in balances.items() if balance.is_to_hand_over(100.0 + SETTLED)] == [("a", 1)]


def test_a_member_that_comes_and_goes_delays_a_hand_over() -> None:
    """The while begins anew with each change."""
    balance = Balance("a", 1)
    balance.note_view(view("ab", "aa"), 0.0)
    balance.note_view(view("a", "aa"), 50.0)
    balance.note_view(view("ab", "aa"), 55.0)
    assert not balance.is_to_hand_over(55.0 + SETTLED - 0.1)
    assert balance.is_to_hand_over(55.0 + SETTLED)


def test_one_shard_goes_over_at_a_time() -> None:
    """After each the leaders stay as they are for a moment."""
    balance = Balance("a", 2)
    balance.note_view(view("ab", "aaaa"), 0.0)
    balance.note_view(view("ab", "aaa-"), 100.0)
    assert not balance.is_to_hand_over(200.0)
    balance.note_view(view("ab", "aaab"), 200.0)
    assert not balance.is_to_hand_over(200.0 + LEADING - 0.1)
    assert balance.is_to_hand_over(200.0 + LEADING)


def test_a_free_shard_is_taken_one_after_the_other() -> None:
    """At once by the first, a step later by each next one; at once, too, where nothing is known of the others."""
    assert 0.25 <= STEP <= 1.0
    assert Balance("a", 0).may_take(free_since=0.0, now=0.0)
    for name, steps in (("b", 0), ("a", 1), ("unknown", 2)):
        balance = Balance(name, 1)
        balance.note_view(view("ab", "a-"), 0.0)
        assert balance.may_take(10.0, 10.0 + steps * STEP)
        assert steps == 0 or not balance.may_take(10.0, 10.0 + steps * STEP - 0.01)


def test_an_instance_takes_back_what_no_other_one_took() -> None:
    """After a pause in which every other one could."""
    balance = Balance("a", 1)
    balance.note_view(view("ab", "aa"), 0.0)
    balance.note_left(100.0)
    assert not balance.is_to_hand_over(100.0 + LEADING - 0.1)  # by what was seen before
    balance.note_view(view("ab", "a-"), 101.0)
    assert not balance.may_take(100.0, 100.0 + LEFT - 0.1)
    assert balance.may_take(100.0, 100.0 + LEFT)


@pytest.mark.parametrize("by_way_of", ["a-", None])
def test_one_that_did_not_take_its_shard_is_left_alone_for_long(by_way_of: str | None) -> None:
    """Shards never go back and forth; the same where another one took it. One that joins anew is offered one again."""
    for before, after, shard in (("aa", "aa", 1), ("aaa", "aac", 2)):
        balance = Balance("a", 1)
        members = "ab" if "c" not in after else "abc"
        now = settled(balance, view(members, before), 0.0)
        assert find_hand_over(view(members, before)) == HandOver(shard, "a", "b")
        if by_way_of is not None or after == before:
            balance.note_view(view(members, f"{before[:shard]}-"), now)
        balance.note_view(view(members, after), now + LEFT)
        assert not balance.is_to_hand_over(now + LEFT + LEADING)
        balance.note_view(view(members.replace("b", ""), after), now + 200.0)
        balance.note_view(view(members, after), now + 210.0)
        assert balance.is_to_hand_over(now + 210.0 + SETTLED)


def test_one_that_failed_is_tried_again_later() -> None:
    """Once an hour is not back and forth."""
    balance = Balance("a", 1)
    now = settled(balance, view("ab", "aa"), 0.0)
    balance.note_view(view("ab", "a-"), now)
    balance.note_view(view("ab", "aa"), now + LEFT)
    assert not balance.is_to_hand_over(now + LEFT + FAILED_FOR - 1.0)
    assert balance.is_to_hand_over(now + LEFT + FAILED_FOR)


def test_a_shard_whose_leader_died_says_nothing_about_others() -> None:
    """Only one that a living member gave up was there for the taking."""
    balance = Balance("a", 2)
    balance.note_view(view("abx", "axx"), 0.0)  # x should give one to b
    balance.note_view(view("ab", "a--"), 1.0)
    balance.note_view(view("ab", "aa-"), 2.0)
    balance.note_view(view("ab", "aaa"), 3.0)
    assert balance.is_to_hand_over(3.0 + SETTLED)


def test_one_that_joins_changes_nothing_for_one_that_failed() -> None:
    """What is known of an instance is forgotten only when that one is gone."""
    balance = Balance("a", 1)
    now = settled(balance, view("ab", "aax"), 0.0)
    balance.note_view(view("abd", "aad"), now)
    balance.note_view(view("abd", "a-d"), now + 1.0)
    balance.note_view(view("abd", "aad"), now + LEFT)
    balance.note_view(view("abde", "aad"), now + 100.0)
    balance.note_view(view("abd", "aad"), now + 200.0)
    assert not balance.is_to_hand_over(now + 200.0 + SETTLED)


def test_one_that_was_offered_nothing_has_not_failed() -> None:
    """Neither while another shard changes its leader, nor where it was gone itself when the shard was free."""
    balance = Balance("a", 2)
    balance.note_view(view("ab", "aaa"), 0.0)
    balance.note_view(view("ab", "baa"), 1.0)
    balance.note_view(view("abx", "xaa"), 2.0)
    balance.note_view(view("ab", "aaa"), 3.0)
    assert balance.is_to_hand_over(3.0 + SETTLED)
    balance.note_view(view("ab", "aa-"), 100.0)
    balance.note_view(view("a", "aaa"), 101.0)
    balance.note_view(view("ab", "aaa"), 102.0)
    assert balance.is_to_hand_over(102.0 + SETTLED)
