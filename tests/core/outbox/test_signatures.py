"""Signatures of callbacks against the published vector of Standard Webhooks, and what they protect."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.outbox.signatures import decode_secret, sign_body
from common.errors import ConfigError
from tests.lab import signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def problem(secret: str, message_id: str, timestamp: int, body: bytes, header: str) -> str | None:
    """What a receiver finds wrong when it gets this at once."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": header}
    return signature.problem(headers, body, secret, timestamp)


def test_the_published_vector_computes() -> None:
    """Secret, id, time and body of the specification give its signature."""
    assert sign_body([SECRET], ID, AT, BODY) == PUBLISHED


def test_the_signature_is_an_hmac_that_any_receiver_can_compute() -> None:
    """Worked out here from the definition alone."""
    mac = hmac.new(b"another secret of 24 byte", b"id.7.body", hashlib.sha256).digest()

    assert sign_body([OTHER], "id", 7, b"body") == f"v1,{base64.b64encode(mac).decode()}"


def test_while_rotating_either_secret_verifies() -> None:
    """Both signatures travel, so the receiver may change its secret before or after us."""
    header = sign_body([SECRET, OTHER], ID, AT, BODY)

    assert header.split(" ")[0] == PUBLISHED
    assert header == f"{PUBLISHED} {sign_body([OTHER], ID, AT, BODY)}"
    for secret in (SECRET, OTHER):
        assert problem(secret, ID, AT, BODY, header) is None


@pytest.mark.parametrize(
    ("message_id", "timestamp", "body"), [("msg_x", AT, BODY), (ID, AT + 1, BODY), (ID, AT, BODY + b" "), ("", 0, b"")]
)
def test_anything_changed_changes_the_signature(message_id: str, timestamp: int, body: bytes) -> None:
    """Id, time and body are all covered."""
    assert sign_body([SECRET], message_id, timestamp, body) != PUBLISHED


@given(st.text(min_size=1), st.integers(min_value=0), st.binary())
def test_whatever_is_signed_verifies(message_id: str, timestamp: int, body: bytes) -> None:
    """A receiver that shares no line with us accepts it by the secret it was signed with, and by no other."""
    header = sign_body([SECRET], message_id, timestamp, body)

    assert problem(SECRET, message_id, timestamp, body, header) is None
    assert problem(OTHER, message_id, timestamp, body, header) == "no signature fits"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64", "whsec_é", "whsec_AAA"])
def test_a_secret_that_cannot_be_used_is_not_repeated_in_the_error(secret: str) -> None:
    """The text says what is expected only."""
    with pytest.raises(ConfigError) as caught:
        decode_secret(secret)

    assert str(caught.value) == "a callback secret must be whsec_ followed by base64"
