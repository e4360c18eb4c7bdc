"""Counts of several shards, as one."""

from __future__ import annotations

import json

from common.core.audit.accuracy import Accuracy, join_counts
from common.core.model.channel import ChannelKey


def test_what_was_counted_is_added_up() -> None:
    """Of methods, servers and alarms."""

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
    whole.restore_text(join_counts([counted("a", 9.0), counted("a", 9.0), counted("b", 5.0), "{"]))

    assert whole.since == 5.0
    assert (whole.alarms.announced, whole.alarms.confirmed, whole.alarms.retracted) == (6, 3, 3)
    shown = whole.to_plain()
    assert shown["methods"][0]["confirmed"] == 9
    assert [(row["server"], row["confirmed"], row["contradicted"]) for row in shown["servers"]] == [("a", 6, 2), ("b", 3, 1)]
    assert ChannelKey("rdap", "a", "com") in whole._servers
