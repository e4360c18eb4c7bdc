"""Subscriptions: what is wanted, below what something is wanted, and a flood of them."""

from __future__ import annotations

import random

from common.topics import LONGEST_TOPIC, MOST_EXTRA, MOST_TOPICS, Topics


def test_a_topic_is_wanted_by_any_of_its_prefixes() -> None:
    """The empty prefix wants everything, a whole topic only itself."""
    topics = Topics()
    topics.add("state.example.com")

    assert topics.want("state.example.com")
    assert topics.want("state.example.com.au")
    assert not topics.want("state.example")
    topics.add("")
    assert topics.want("anything")
    topics.discard("")
    assert not topics.want("anything")


def test_what_is_built_for_many_is_wanted_from_both_sides() -> None:
    """A subscription below the prefix counts, and one above it; a neighbour in the alphabet does not."""
    topics = Topics()
    for prefix in ("result.dns.example.com", "state.", "result.dnt"):
        topics.add(prefix)

    assert topics.want_below("result.dns.")
    assert topics.want_below("state.example.")
    assert not topics.want_below("result.whois.")
    topics.discard("result.dns.example.com")
    assert not topics.want_below("result.dns.")


def test_random_subscriptions_agree_with_the_definition() -> None:
    """Whatever comes and goes, both answers are those of comparing with each prefix."""
    rng, topics = random.Random(7), Topics()
    held: set[str] = set()
    for _ in range(3000):
        prefix = "".join(rng.choices("ab.", k=rng.randrange(6)))
        if prefix in held:
            held.discard(prefix)
            topics.discard(prefix)
        elif rng.random() < 0.4:
            held.add(prefix)
            topics.add(prefix)
        word = "".join(rng.choices("ab.", k=rng.randrange(8)))
        assert topics.want(word) == any(word.startswith(known) for known in held)
        assert topics.want_below(word) == any(word.startswith(known) or known.startswith(word) for known in held)


def test_a_flood_of_subscriptions_is_bounded() -> None:
    """Beyond the bound everything is wanted until it ends; prefixes longer than any topic are no subscriptions."""
    topics = Topics()
    for number in range(MOST_TOPICS + 5):
        topics.add(f"x{number}")
    topics.add("y" * (LONGEST_TOPIC + 1))

    assert len(topics._known) == MOST_TOPICS
    assert topics.want("other")
    for number in range(MOST_TOPICS, MOST_TOPICS + 5):
        topics.discard(f"x{number}")
    topics.discard("y" * (LONGEST_TOPIC + 1))
    assert not topics.want("other")
    assert topics.want("x1")


def test_the_word_of_a_connection_counts_only_about_what_it_alone_held() -> None:
    """Another one may hold the prefix still: only a certain end is one then."""
    topics = Topics()
    topics.add("a", 1)
    assert not topics.discard("a", 2)
    assert topics.want("a")
    topics.add("a", 2)
    assert not topics.discard("a", 1)
    assert topics.want("a")
    assert topics.discard("a")
    topics.add("b", 1)
    assert topics.discard("b", 1)
    assert not topics.want("a")
    assert not topics.want("b")


def test_more_subscriptions_than_are_counted_make_everything_wanted_for_good() -> None:
    """Their ends can no longer be told apart, and an honest one may be among them."""
    topics = Topics()
    for number in range(MOST_TOPICS + MOST_EXTRA):
        topics.add(f"x{number}")
    for number in range(MOST_TOPICS, MOST_TOPICS + MOST_EXTRA):
        topics.discard(f"x{number}")
    assert not topics.want("other")

    for number in range(MOST_TOPICS, MOST_TOPICS + MOST_EXTRA + 1):
        topics.add(f"x{number}")
    for number in range(MOST_TOPICS, MOST_TOPICS + MOST_EXTRA + 1):
        topics.discard(f"x{number}")
    assert topics.want("other")
