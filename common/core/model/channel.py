"""A channel: one method at one server for one suffix; and the canary questions that verify one."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct


class ChannelKey(NamedTuple):
    """What a channel is known by: health, canaries and trust are kept per method, server and suffix.

    `server` is a host without port, for DNS the suffix itself.
    """

    method: str
    server: str
    suffix: str


class Probe(Struct, frozen=True):
    """One canary question: `registered` says which answer is right."""

    key: ChannelKey
    domain: str
    registered: bool
