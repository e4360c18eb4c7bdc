"""One source of answers as /status and `domain-monitor sources` show it: does it serve us, is it believed, what is left."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from common.core.model.evidence import Short

#: Most texts in a list of a row.
MOST = 64
Texts = Annotated[tuple[Short, ...], Meta(max_length=MOST)]
Figure = Annotated[float, Meta(ge=0, le=1e12)]
Total = Annotated[int, Meta(ge=0, le=10**12)]
Epoch = Annotated[float, Meta(ge=0, le=1e12)]


class Configured(StrEnum):
    """Whether a source is asked."""

    YES = "yes"
    NO = "no"
    SANDBOX = "sandbox"  # it is, and its answers prove nothing


class Entitled(StrEnum):
    """Whether a source serves us."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # it was not asked yet, or has not answered


class Trusted(StrEnum):
    """What the canaries of a source found."""

    VERIFIED = "verified"
    QUARANTINED = "quarantined"
    UNVERIFIED = "unverified"


class SourceTrust(Struct, frozen=True, kw_only=True):
    """`verified` of `channels` (a server and a suffix) answer their canaries rightly; times in epoch seconds."""

    state: Trusted = Trusted.UNVERIFIED
    verified: Total = 0
    channels: Total = 0
    quarantined_until: Epoch | None = None
    reason: Short = ""


class SourceBudget(Struct, frozen=True, kw_only=True):
    """What may still be asked. `rate` in calls per second and `tokens` are None for a method with many operators.

    `operators` were asked so far, `blocked` of them limit us. `blocked_until` (epoch seconds) is set where all of them do.
    """

    rate: Figure | None = None
    tokens: Figure | None = None
    used_today: Total = 0
    per_day: Total | None = None
    operators: Total = 0
    blocked: Total = 0
    blocked_until: Epoch | None = None
    reason: Short = ""


class SourceRow(Struct, frozen=True, kw_only=True):
    """One source. `missing` are the settings that it needs, `suffixes` those that it may be asked about, () for any.

    `trouble` says in one sentence what is wrong now, "" where nothing is; `proves` and `terms` are sentences too.
    `last_success` is in epoch seconds, None where none is known.
    """

    method: Short
    title: Short
    server: Short = ""
    suffixes: Texts = ()
    configured: Configured
    missing: Texts = ()
    entitled: Entitled = Entitled.UNKNOWN
    entitled_reason: Short = ""
    trust: SourceTrust = SourceTrust()
    budget: SourceBudget = SourceBudget()
    last_success: Epoch | None = None
    trouble: Short = ""
    proves: Short
    terms: Short = ""
