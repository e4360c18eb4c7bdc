"""Settings of a service that is spread over several hosts; the rest of the table is in `common.config`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from common import setting_parsers as parse
from common.setting_row import Setting


@dataclass(frozen=True, kw_only=True, repr=False)
class HostSettings:
    """How hosts reach each other: checkers on hosts of their own, and instances that share one store."""

    # Several hosts
    coordinator: Annotated[
        tuple[str, ...],
        Setting(
            "",
            parse.many(parse.coordinator),
            "for a host with checkers alone: tcp://HOST:PORT of each instance that may lead, separated by commas",
        ),
    ]
    instance_address: Annotated[
        str | None,
        Setting(
            "",
            parse.optional(parse.host),
            "where other hosts reach BUS_ENDPOINT of this instance; default: its address towards the store",
        ),
    ]
    proxy_bus_endpoint: Annotated[
        str | None,
        Setting(
            "",
            parse.optional(parse.listening_bus),
            "for the proxy alone: tcp://HOST:PORT where it passes checkers of other hosts on to the instance that leads",
        ),
    ]
    shards: Annotated[
        int,
        Setting(
            "1",
            parse.whole(1, 64),
            "parts of the watch list, each with a coordinator of its own; over PostgreSQL, fixed when the database is made",
        ),
    ]
    shard_spread: Annotated[
        tuple[str, ...],
        Setting(
            "com,net",
            parse.many(parse.suffix),
            "top-level domains that are spread over all shards; every other one lies in one; fixed likewise",
        ),
    ]

    #: Which shard this process works for (`common.shard_settings`).
    shard: int = 0
