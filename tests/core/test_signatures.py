"""Signatures of callbacks against the published vector of Standard Webhooks, and what they protect."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.core.signatures import decode_secret, fresh, sign, verify
from common.errors import ConfigError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
PUBLISHED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector_computes() -> None:
    """Secret, id, time and body of the specification give its signature."""
    assert sign([SECRET], ID, AT, BODY) == PUBLISHED
    assert verify([SECRET], ID, AT, BODY, PUBLISHED)


def test_the_signature_is_an_hmac_that_any_receiver_can_compute() -> None:
    """Worked out here from the definition alone."""
    mac = hmac.new(b"another secret of 24 byte", b"id.7.body", hashlib.sha256).digest()

    assert sign([OTHER], "id", 7, b"body") == f"v1,{base64.b64encode(mac).decode()}"


def test_while_rotating_either_secret_verifies() -> None:
    """Both signatures travel, so the receiver may change its secret before or after us."""
    header = sign([SECRET, OTHER], ID, AT, BODY)

    assert header.split(" ")[0] == PUBLISHED
    assert verify([SECRET], ID, AT, BODY, header)
    assert verify([OTHER], ID, AT, BODY, header)
    assert verify([OTHER, SECRET], ID, AT, BODY, PUBLISHED)


@pytest.mark.parametrize(
    ("message_id", "timestamp", "body", "header"),
    [
        ("msg_x", AT, BODY, PUBLISHED),
        (ID, AT + 1, BODY, PUBLISHED),
        (ID, AT, BODY + b" ", PUBLISHED),
        (ID, AT, BODY, PUBLISHED.replace("v1,", "v2,")),
        (ID, AT, BODY, PUBLISHED.removeprefix("v1,")),
        (ID, AT, BODY, PUBLISHED[:-2]),
        (ID, AT, BODY, ""),
        (ID, AT, BODY, "v1,"),
        (ID, AT, BODY, "v1,\ud800"),
    ],
)
def test_anything_changed_does_not_verify(message_id: str, timestamp: int, body: bytes, header: str) -> None:
    """Id, time, body and signature are all covered."""
    assert not verify([SECRET], message_id, timestamp, body, header)


@given(st.text(), st.integers(), st.binary(), st.text())
def test_verifying_is_total(message_id: str, timestamp: int, body: bytes, header: str) -> None:
    """Any header is only true or false, and what was signed verifies."""
    assert not verify([SECRET], message_id, timestamp, body, header)
    assert verify([OTHER, SECRET], message_id, timestamp, body, sign([SECRET], message_id, timestamp, body))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64", "whsec_é", "whsec_AAA"])
def test_a_secret_that_cannot_be_used_is_not_repeated_in_the_error(secret: str) -> None:
    """The text says what is expected only."""
    with pytest.raises(ConfigError) as caught:
        decode_secret(secret)

    assert str(caught.value) == "a callback secret must be whsec_ followed by base64"


def test_the_time_must_be_near() -> None:
    """Five minutes to either side are accepted."""
    assert fresh(1000, 1300)
    assert fresh(1300, 1000)
    assert not fresh(1000, 1301)
