"""Observations and outcomes: one vocabulary for the answers of every method.

A parser turns one recorded answer into a `Reading`; a checker adds server, address and duration and makes an `Observation`.
Neither decides: `common.core.verdict.verdicts` weighs observations. An error proves nothing, so its outcome is `unknown`.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Short = Annotated[str, Meta(max_length=300)]
Text = Annotated[str, Meta(max_length=2000)]
#: Epoch seconds, any that a calendar date has: a registry's clock may say anything.
Moment = Annotated[float, Meta(ge=-1e11, le=1e12)]
Milliseconds = Annotated[float, Meta(ge=0, le=1e9)]
#: Seconds that a server wants a client to wait, see `common.core.parsers.retry_after`.
Wait = Annotated[float, Meta(ge=0, le=86_400)]
Count = Annotated[int, Meta(ge=0, le=65_535)]
#: An ISO 4217 code; "" where the answer names none.
Currency = Annotated[str, Meta(pattern=r"^(?:[A-Z]{3})?\Z")]
Years = Annotated[int, Meta(ge=1, le=100)]
#: Calls per second.
Rate = Annotated[float, Meta(gt=0, le=1e6)]
#: An SOA serial (RFC 1035 section 3.3.13).
Serial = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
#: Longest copy of an answer kept as evidence, in characters.
EXCERPT_LIMIT = 2000
#: Most statuses or name servers kept of one answer.
LIST_LIMIT = 32


class Outcome(StrEnum):
    """What one answer of a server says about one name."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"  # no object in the registry database; not yet "available"
    RESERVED = "reserved"  # no object, yet not creatable: registry list, DPML, GlobalBlock
    PREMIUM = "premium"  # creatable at another price
    UNAVAILABLE = (
        "unavailable"  # it cannot be created there now: registered, reserved or not sold, the answer does not say which
    )
    DROPPING = "dropping"  # purged, inside a registry's own release procedure
    THROTTLED = "throttled"
    INVALID = "invalid"  # the registry refuses the name itself
    UNKNOWN = "unknown"


class Phase(StrEnum):
    """Where a registered name stands in its life (RFC 5731, RFC 3915, RFC 8056)."""

    ACTIVE = "active"
    UNDELEGATED = "undelegated"  # registered, not in the zone: hold, inactive
    EXPIRED_GRACE = "expired_grace"
    REDEMPTION = "redemption"
    PENDING_RESTORE = "pending_restore"
    PENDING_DELETE = "pending_delete"
    DROPPING = "dropping"


class Fields(Struct, frozen=True, omit_defaults=True):
    """What a record says. Times are ISO 8601 in UTC ("2027-01-31T00:00:00Z", or "2027-01-31" where only a day is known)."""

    created_at: Short | None = None
    expires_at: Short | None = None
    updated_at: Short | None = None
    registrar: Short | None = None
    statuses: Annotated[tuple[Short, ...], Meta(max_length=LIST_LIMIT)] = ()
    nameservers: Annotated[tuple[Short, ...], Meta(max_length=LIST_LIMIT)] = ()
    handle: Short | None = None  # ROID: changes when a name is created again


NO_FIELDS = Fields()

#: Highest price that is believed, in units of its currency, and most digits after the point.
HIGHEST_PRICE, MOST_DECIMALS = Decimal(10**9), 6


class Offer(Struct, frozen=True, omit_defaults=True):
    """For what a registrar would create a name now, before taxes, for `years` years. `currency` is an ISO 4217 code.

    `premium`: whether the registry charges a price of its own for this name; None where the answer does not say. `renewal` is
    the price of a further year. Raises ValueError for a price that is none.
    """

    premium: bool | None = None
    price: Decimal | None = None
    currency: Currency = ""
    renewal: Decimal | None = None
    years: Years = 1

    def __post_init__(self) -> None:
        for price in (self.price, self.renewal):
            if price is not None and not is_price(price):
                raise ValueError("a price is not between 0 and a thousand million, or has too many digits")


NO_OFFER = Offer()


def is_price(value: Decimal) -> bool:
    """Whether a number can be a price: finite, not negative, not above `HIGHEST_PRICE`, with few digits after the point."""
    if not value.is_finite() or not 0 <= value <= HIGHEST_PRICE:
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -MOST_DECIMALS <= exponent <= 9


class Quota(Struct, frozen=True, omit_defaults=True):
    """What a server says about its rate limit: `rate` in calls per second that it takes, `wait` in seconds until the next."""

    rate: Rate | None = None
    wait: Wait | None = None


class Reading(Struct, frozen=True, omit_defaults=True):
    """What a parser read in one answer.

    `finding` is a key of `common.core.verdict.likelihoods.FINDINGS` and carries the weight; `reason` is one sentence.
    `fresh_at` is the registry's own time stamp of the data (SOA serial, RDAP database time) in epoch seconds.
    `retry_after` is in seconds, already cut to 1 s..24 h.
    """

    outcome: Outcome
    finding: Short
    reason: Short
    phase: Phase | None = None
    fields: Fields = NO_FIELDS
    fresh_at: Moment | None = None
    retry_after: Wait | None = None
    referral: Short | None = None  # WHOIS: the server IANA names for a suffix
    serial: Serial | None = None  # DNS: SOA serial of the zone that answered
    offer: Offer | None = None  # registrars and EPP: the price
    release: tuple[Moment, Moment] | None = None  # publications: when the name is released, earliest and latest


class Observation(Struct, frozen=True, omit_defaults=True):
    """A reading with its circumstances: enough to read it again offline.

    `server` is the host or zone queried, `address` what was connected to ("192.0.2.1:53/udp"), `digest` the SHA-256 (hex) of
    the whole answer, `excerpt` a bounded copy, `width` how many addresses serve the suffix (DNS only).
    """

    method: Short
    reading: Reading
    server: Short = ""
    address: Short = ""
    duration_ms: Milliseconds = 0.0
    status: Count | None = None  # HTTP status or DNS rcode
    digest: Short = ""
    excerpt: Text = ""
    width: Count | None = None
    quota: Quota | None = None
    refused: bool = False  # the server refuses to serve this client: connection refused, 403, ban text


def unknown_reading(finding: str, reason: str, *, retry_after: float | None = None) -> Reading:
    """A reading that proves nothing: `reason` is cut to 300 characters, `retry_after` is in seconds."""
    return Reading(Outcome.UNKNOWN, finding, reason[:300], retry_after=retry_after)
