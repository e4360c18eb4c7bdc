"""Phrases of registries in RDAP answers and what they mean. All in lower case, searched for in one error text or notice.

A 404 (RFC 7480 section 5.3) only says that there is no object. Many registries add why: the name is reserved, blocked, for
sale at another price, or the server does not know the zone at all.
"""

from __future__ import annotations

#: Removed before looking, because they contain words of the lists below and mean nothing.
HARMLESS = (
    "all rights reserved",
    "rights reserved",
    "reserves the right",
    "reserve the right",
    "is available for registration",
)

#: The server rate limits this client; the rest of its text proves nothing.
THROTTLED = (
    "too many",
    "too fast",
    "too frequent",
    "rate limit",
    "rate-limit",
    "ratelimit",
    "quota",
    "limit exceeded",
    "limit reached",
    "exceeded",
    "throttl",
    "slow down",
    "try again later",
    "temporarily blocked",
    "blacklist",
)

#: The name goes through the registry's own release procedure.
DROPPING = ("dropzone", "available for application", "pending release")

#: The name can be created, at another price.
PREMIUM = ("available as a premium", "premium name", "premium domain", "premium string", "platinum domain")

#: No object, and the name cannot be created.
RESERVED = (
    "not available for registration",
    "unavailable for registration",
    "not eligible for registration",
    "not registrable",
    "not registerable",
    "cannot be registered",
    "can not be registered",
    "may not be registered",
    "registry reserved",
    "reserved by",
    "reserved name",
    "reserved domain",
    "reserved list",
    "is reserved",
    "has been reserved",
    "on hold by the registry",
    "restricted from registration",
    "registration restricted",
    "restricted name",
    "restricted domain",
    "usage restrictions",
    "name is restricted",
    "blocked domain",
    "blocked name",
    "domain is blocked",
    "name is blocked",
    "domain blocked",
    "name blocked",
    "is blocked by",
    "blocked by",
    "globalblock",
    "global block",
    "dpml",
    "prohibited name",
    "prohibited string",
    "name is prohibited",
    "prohibited from registration",
    "name collision",
    "conflicts with",
    "variant of",
    "blocked variant",
)

#: The server does not serve this suffix: its "not found" says nothing about the name.
WRONG_SERVER = (
    "requested zone",
    "not authoritative",
    "not responsible",
    "not operated",
    "not managed",
    "not served",
    "not serve that",
    "not serve this",
    "not serve the",
    "unknown tld",
    "unknown zone",
    "unsupported tld",
    "unsupported zone",
    "tld not",
    "zone not",
    "tld is not",
    "zone is not",
    "under tld",
    "no rdap server",
    "no rdap service",
    "no registry",
    "bootstrap",
    "invalid tld",
)

#: Words that make a "not found" doubtful: it then proves nothing.
DOUBTFUL = (
    "reserv",
    "restrict",
    "block",
    "prohibit",
    "forbid",
    "denied",
    "not allowed",
    "not permitted",
    "disallow",
    "not available",
    "unavailable",
    "premium",
    "invalid",
    "illegal",
    "malformed",
    "unsupported",
    "not supported",
    "not implemented",
    "maintenance",
    "internal error",
    "policy",
    "auction",
    "quarantine",
    "redemption",
    "pending",
    "to be deleted",
    "to be released",
    "delete candidate",
    "deletecandidate",
    "collision",
    "variant",
)

#: In a notice beside a domain object: the object is a placeholder, the name is not registered.
NOT_REGISTERED = ("not registered", "has not been registered", "is not yet registered", "available for registration")
