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
