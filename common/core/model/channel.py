"""A channel, which is one method at one server for one suffix, and the canary queries that verify it."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct


class ChannelKey(NamedTuple):
    """Method, server and suffix, by which health, canaries and trust are kept.

    `server` is a host without port; for DNS it is the suffix itself.
    """

    method: str
    server: str
    suffix: str


class Probe(Struct, frozen=True):
    """One canary query at a channel: `registered` is whether the right answer says that `domain` is registered.

    `hidden`: the name is registered but not in the zone, which shows a source that answers from the zone or from a cache.
    """

    key: ChannelKey
    domain: str
    registered: bool
    hidden: bool = False
