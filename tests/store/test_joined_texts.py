"""Small texts of several shards in place of one."""

from __future__ import annotations

import json

import pytest

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


def test_budgets_and_counts_are_joined_in_the_core() -> None:
    """What was counted is added up also where two shards counted the same."""
    shut = encode_saved({"a|x": Saved(5.0, 2.0, used=3)})
    assert decode_saved(join_texts("budgets", [shut, encode_saved({"a|x": Saved(9.0, 2.0, used=2)})]))["a|x"].used == 5
    assert join_texts("budgets", [shut, shut]) == shut
    counted = '{"since":5.0,"servers":[],"methods":{},"alarms":{"announced":2,"confirmed":0,"retracted":0}}'
    assert json.loads(join_texts("accuracy", [counted, counted]))["alarms"]["announced"] == 4
    seen = '{"com":[{"redemption":[[30,31]]},[[1000000000,60]],5.0]}'
    twice = [{"redemption": [[30, 31]] * 2}, [[1_000_000_000, 60]] * 2, 5.0]
    assert json.loads(join_texts("transitions", [seen, seen]))["com"] == twice
    assert json.loads(join_texts("forecasts", ['{"com":[1,1,1,5.0,0.5,0]}'] * 2))["com"] == [2, 2, 2, 10.0, 1.0, 0]
