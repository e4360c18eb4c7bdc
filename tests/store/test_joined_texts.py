"""Small texts of several shards in place of one."""

from __future__ import annotations

import json

import pytest

from common.core.audit.accuracy import Accuracy
from common.core.model.channel import ChannelKey
from common.core.rate_limits.saved import Saved, decode_saved, encode_saved
from common.store.joined_texts import join_texts


@pytest.mark.parametrize(
    ("key", "texts", "joined"),
    [
        ("other", ["a", "b"], "a"),
        ("other", ["", "b"], "b"),
        ("other", ["", ""], ""),
        ("circuits", ["notice", "", "result,notice"], "notice,result"),
        ("wildcards", ["ws,ph", "ph"], "ph,ws"),
        ("wildcards", ["ws,ph", "ws,ph"], "ws,ph"),
        ("credentials", ['{"a":"1"}', "{", '{"b":"2"}'], '{"a":"1","b":"2"}'),
        ("referrals", ['[["de",5,"old"],["fr",1,"x"]]', '[["de",6,"new"]]'], '[["de",6,"new"],["fr",1,"x"]]'),
        ("referrals", ['[["de",6,"new"]]', '[["de",5,"old"]]', '[["de"]]', "[", '[["de","x","y"]]'], '[["de",6,"new"]]'),
        (
            "channels",
            ['[["rdap","s","de",1.0,2.0,3.0,4,"old"]]', '[["rdap","s","de",1.0,2.0,9.0,4,"new"],["das","s","de",1,2,3,4,""]]'],
            '[["rdap","s","de",1.0,2.0,9.0,4,"new"],["das","s","de",1,2,3,4,""]]',
        ),
    ],
)
def test_texts_are_joined_by_what_they_mean(key: str, texts: list[str], joined: str) -> None:
    """A damaged one gives way to the others."""
    assert join_texts(key, texts) == joined


def test_of_budgets_the_most_careful_counts() -> None:
    """The longest pause and the lowest rates; the counts of one day are added up."""
    one = Saved(5.0, 2.0, "slow down", "row", 2, 1.0, None, 3, 1, day=7, used=40, stated=9.0)
    other = Saved(9.0, 3.0, "banned", "row", 2, 1.0, 4.0, 1, 2, day=7, used=2, stated=8.0)
    before = Saved(0.0, 1.0, day=6, used=500)
    texts = [encode_saved({"a|x": one, "b|x": one}), encode_saved({"a|x": other}), encode_saved({"a|x": before})]

    found = decode_saved(join_texts("budgets", texts))

    assert found["b|x"] == one
    assert found["a|x"] == Saved(9.0, 1.0, "banned", "-", 2, 1.0, 4.0, 3, 2, day=7, used=42, stated=8.0)


def test_what_was_counted_is_added_up() -> None:
    """Of methods, servers and alarms; also where two shards counted the same."""

    def counted(server: str, since: float) -> str:
        accuracy = Accuracy()
        text = {
            "since": since,
            "servers": [["rdap", server, "com", 3, 1]],
            "methods": {"rdap": {"confirmed": 3, "contradicted": 1}},
            "alarms": {"announced": 2, "confirmed": 1, "retracted": 1},
        }
        accuracy.restore_text(json.dumps(text))
        return accuracy.to_text()

    whole = Accuracy()
    whole.restore_text(join_texts("accuracy", [counted("a", 9.0), counted("a", 9.0), counted("b", 5.0), "{"]))

    assert whole.since == 5.0
    assert (whole.alarms.announced, whole.alarms.confirmed, whole.alarms.retracted) == (6, 3, 3)
    shown = whole.to_plain()
    assert shown["methods"][0]["confirmed"] == 9
    assert [(row["server"], row["confirmed"], row["contradicted"]) for row in shown["servers"]] == [("a", 6, 2), ("b", 3, 1)]
    assert ChannelKey("rdap", "a", "com") in whole._servers
