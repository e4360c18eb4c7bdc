"""Signatures of callbacks: Standard Webhooks, symmetric (https://www.standardwebhooks.com, scheme "v1").

Signed is `id.timestamp.body`, so neither the id nor the time can be exchanged. While a secret is being rotated every attempt
carries one signature per secret and the receiver accepts any of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from common.errors import ConfigError

PREFIX = "whsec_"
SCHEME = "v1"


def decode_secret(secret: str) -> bytes:
    """The key inside "whsec_<base64>" (the prefix may be missing). Raises ConfigError, whose text does not hold the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigError(["a callback secret must be whsec_ followed by base64"])
    return key


def sign_body(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one "v1,<base64>" per secret, separated by spaces. `timestamp` in epoch seconds."""
    content = b".".join((message_id.encode("utf-8", "replace"), str(timestamp).encode(), body))
    macs = (hmac.new(decode_secret(secret), content, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"{SCHEME},{base64.b64encode(mac).decode()}" for mac in macs)
