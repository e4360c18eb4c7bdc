"""Signatures of callbacks: Standard Webhooks, symmetric (https://www.standardwebhooks.com, scheme "v1").

Signed is `id.timestamp.body`, so neither the id nor the time can be exchanged. While a secret is being rotated every attempt
carries one signature per secret and the receiver accepts any of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence

from common.errors import ConfigError

PREFIX = "whsec_"
SCHEME = "v1"
#: How far a receiver lets the timestamp differ from its own clock, in seconds.
TOLERANCE = 300.0
#: Most signatures looked at in one header.
MOST_SIGNATURES = 16


def decode_secret(secret: str) -> bytes:
    """The key inside "whsec_<base64>" (the prefix may be missing). Raises ConfigError, whose text does not hold the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigError(["a callback secret must be whsec_ followed by base64"])
    return key


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one "v1,<base64>" per secret, separated by spaces. `timestamp` in epoch seconds."""
    return " ".join(f"{SCHEME},{mac}" for mac in _macs(secrets, message_id, timestamp, body))


def verify(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes, header: str) -> bool:
    """Whether `header` holds a signature by one of the secrets. Total: any text is only true or false."""
    given = [
        part[3:].encode("utf-8", "replace") for part in header.split(" ")[:MOST_SIGNATURES] if part.startswith(f"{SCHEME},")
    ]
    expected = list(_macs(secrets, message_id, timestamp, body))
    # Every pair is compared, so that the time taken says nothing about which one matched.
    return sum(hmac.compare_digest(mac.encode(), signature) for mac in expected for signature in given) > 0


def fresh(timestamp: float, now: float, tolerance: float = TOLERANCE) -> bool:
    """Whether a signed timestamp is recent enough to be no replay by a stranger; all in seconds."""
    return abs(now - timestamp) <= tolerance


def _macs(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> Iterable[str]:
    content = b".".join((message_id.encode("utf-8", "replace"), str(timestamp).encode(), body))
    for secret in secrets:
        yield base64.b64encode(hmac.new(decode_secret(secret), content, hashlib.sha256).digest()).decode()
