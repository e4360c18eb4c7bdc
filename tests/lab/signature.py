"""Checks a Standard Webhooks signature, written from the specification and sharing no line with the sender."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

TOLERANCE = 300.0


def key_bytes(secret: str) -> bytes:
    """The key behind `whsec_...`. Raises ValueError where it is no base64."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("a signing secret is whsec_ and base64") from error


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`."""
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key_bytes(secret), signed, hashlib.sha256)).decode()


def problem(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str | None:
    """Why a delivery must be refused, or None. `headers` with lower-case keys, `now` in epoch seconds."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id:
        return "no webhook-id"
    if not timestamp.isascii() or not timestamp.isdigit():
        return "no webhook-timestamp"
    if abs(now - int(timestamp)) > TOLERANCE:
        return "webhook-timestamp is too far from now"
    wanted = signature(secret, message_id, timestamp, body)
    offered = headers.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in offered):
        return "no signature fits"
    return None
