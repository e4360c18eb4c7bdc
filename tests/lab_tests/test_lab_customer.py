"""The customer's two ends: a list API with its bad days, and a receiver that checks what it gets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from tests.lab.customer import Received
from tests.lab.lab import Lab
from tests.lab.signature import problem, signature
from tests.lab_tests.asking import in_lab

#: Test vector of the Standard Webhooks specification: secret, id, timestamp, body, signature.
_VECTOR = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "1614265330",
    b'{"test": 2432232314}',
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
)


async def _list(lab: Lab, *, token: str | None = None, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
    sent = {"Authorization": f"Bearer {lab.token if token is None else token}"}
    sent |= {key.replace("_", "-"): value for key, value in headers.items()}
    timeout = aiohttp.ClientTimeout(total=0.5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{lab.customer_url}/domains", headers=sent) as answer,
    ):
        body = await answer.read()
        try:
            data = json.loads(body)
        except ValueError:
            data = None
        return answer.status, data, answer.headers


async def _post(lab: Lab, body: bytes, *, event: str = "evt-1", **changes: str) -> int:
    """POST one signed callback; `changes` replace headers. 0 for a dropped connection."""
    stamp = str(int(lab.clock.wall()))
    headers = {
        "Authorization": f"Bearer {lab.token}",
        "webhook-id": event,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(lab.secret, event, stamp, body),
    } | {key.replace("_", "-"): value for key, value in changes.items()}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.4)) as session,
            session.post(f"{lab.customer_url}/callback", data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


def test_the_list_mixes_objects_and_strings_and_knows_when_it_has_not_changed() -> None:
    """Priority names are objects that say so; the same tag again gets 304; a wrong token 401; gzip where it is asked for."""

    async def body(lab: Lab) -> None:
        lab.customer.set_watch(["one.com", "two.org", "three.de"], priority=["two.org"])
        status, listed, headers = await _list(lab, Accept_Encoding="gzip")
        again, _, _ = await _list(lab, If_None_Match=headers["ETag"])
        stranger, _, _ = await _list(lab, token="wrong")
        lab.customer.set_watch(["one.com"])
        changed, _, _ = await _list(lab, If_None_Match=headers["ETag"])

        assert listed == {"domains": [{"domain": "one.com"}, {"domain": "two.org", "priority": True}, {"domain": "three.de"}]}
        assert headers["Content-Encoding"] == "gzip"
        assert (status, again, stranger, changed) == (200, 304, 401, 200)

    in_lab(body)


def test_the_list_has_its_bad_days() -> None:
    """Empty, broken, shrunk, errors, silence, and far too much."""

    async def body(lab: Lab) -> None:
        names = [f"name-{index}.com" for index in range(8)]
        lab.customer.set_watch(names)
        seen = {}
        for fault in ("empty", "broken", "shrunk", "401", "500", "429", "garbage"):
            lab.faults.add("list", fault, count=1)
            status, data, _ = await _list(lab)
            seen[fault] = (status, len(data["domains"]) if data else None)
        lab.faults.add("list", "silence", count=1)
        with pytest.raises(TimeoutError):
            await _list(lab)
        lab.faults.add("list", "huge", count=1)
        size = 0
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {lab.token}"}) as session,
            session.get(f"{lab.customer_url}/domains") as answer,
        ):
            async for chunk in answer.content.iter_chunked(1 << 20):
                size += len(chunk)
                if size > 8 << 20:
                    break

        assert size > 8 << 20
        assert seen == {
            "empty": (200, 0),
            "broken": (200, None),
            "shrunk": (200, 2),
            "401": (401, None),
            "500": (500, None),
            "429": (429, None),
            "garbage": (200, None),
        }

    in_lab(body)


def test_a_good_callback_is_recorded_and_accepted_once() -> None:
    """A repeated id is recorded twice and accepted once."""

    async def body(lab: Lab) -> None:
        heard: list[Received] = []
        lab.customer.told.append(heard.append)
        text = b'{"domain":"example.com","status":"available"}'
        statuses = [await _post(lab, text), await _post(lab, text)]

        assert statuses == [204, 204]
        assert len(lab.customer.received) == 2
        assert [item.data["domain"] for item in lab.customer.notices("available")] == ["example.com"]
        assert len(heard) == 1
        assert abs(heard[0].at - lab.clock.wall()) < 5

    in_lab(body)


def test_a_tampered_callback_is_refused_and_says_why() -> None:
    """Another body, an old timestamp, a missing id, another key, another token."""

    async def body(lab: Lab) -> None:
        text = b'{"domain":"example.com","status":"available"}'
        stamp = str(int(lab.clock.wall()))
        good = signature(lab.secret, "evt-1", stamp, text)
        other = (
            "v1,"
            + base64.b64encode(hmac.digest(b"another key", b"evt-1." + stamp.encode() + b"." + text, hashlib.sha256)).decode()
        )
        statuses = [
            await _post(lab, text + b" ", webhook_signature=good, webhook_timestamp=stamp),
            await _post(lab, text, webhook_timestamp="1614265330"),
            await _post(lab, text, webhook_id=""),
            await _post(lab, text, webhook_signature=other, webhook_timestamp=stamp),
            await _post(lab, text, Authorization="Bearer wrong"),
        ]

        assert statuses == [401] * 5
        assert [item.signature_problem for item in lab.customer.received] == [
            "no signature fits",
            "webhook-timestamp is too far from now",
            "no webhook-id",
            "no signature fits",
            None,
        ]
        assert not lab.customer.received[-1].bearer_ok
        assert not lab.customer.accepted

    in_lab(body)


def test_the_receiver_misbehaves_as_told_and_records_all_the_same() -> None:
    """Wrong statuses, a redirect, a dropped connection: recorded, but accepted only when it answered 2xx."""

    async def body(lab: Lab) -> None:
        seen = {}
        for fault in ("500", "503", "429", "302", "410", "drop"):
            lab.faults.add("callback", fault, count=1)
            seen[fault] = await _post(lab, b'{"domain":"example.com","status":"available"}')
        lab.faults.add("callback", "delay", count=1, delay=0.02)
        slow = await _post(lab, b'{"domain":"example.com","status":"available"}')

        assert seen == {"500": 500, "503": 503, "429": 429, "302": 302, "410": 410, "drop": 0}
        assert slow == 204
        assert [item.status for item in lab.customer.received] == [500, 503, 429, 302, 410, 0, 204]
        assert len(lab.customer.accepted) == 1

    in_lab(body)


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The published vector fits, also among others; any changed part does not."""
    secret, event, stamp, body, expected = _VECTOR
    headers = {"webhook-id": event, "webhook-timestamp": stamp, "webhook-signature": f"v1,AAAA {expected}"}
    now = float(stamp)

    assert signature(secret, event, stamp, body) == expected
    assert problem(headers, body, secret, now) is None
    assert problem(headers, body + b"!", secret, now) == "no signature fits"
    assert problem(headers | {"webhook-id": "other"}, body, secret, now) == "no signature fits"
    assert problem(headers, body, secret, now + 301) == "webhook-timestamp is too far from now"
