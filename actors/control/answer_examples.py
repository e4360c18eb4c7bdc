"""Examples of answers for /openapi.json; a test holds them against their schemas."""

from __future__ import annotations

from typing import Any

from actors.control import answer_schemas, status_schemas

_AT = 1790000000.0
_DOMAIN: dict[str, Any] = {
    "domain": "example.com",
    "unicode": "example.com",
    "tld": "com",
    "state": "PENDING_DELETE",
    "since": _AT - 86400,
    "confidence": 0.0,
    "priority": True,
    "watched": True,
    "checked_at": _AT - 60,
    "next_check": _AT + 240,
    "forecast": {"earliest": _AT + 3600, "likely": _AT + 7200, "latest": _AT + 9000, "probability": 0.9, "p": 0.9},
}
_EVENT: dict[str, Any] = {
    "seq": 7,
    "id": "3f0e5f0e-6f3c-5a35-8d7e-0a4c1c2f9b11",
    "domain": "example.com",
    "unicode": "example.com",
    "generation": 1,
    "kind": "pending_delete",
    "timestamp": _AT,
    "body": {"domain": "example.com", "status": "pending_delete"},
}

EXAMPLES: dict[Any, dict[str, Any]] = {
    status_schemas.Ready: {"ready": True, "reasons": []},
    answer_schemas.Domains: {"domains": [_DOMAIN], "cursor": None},
    answer_schemas.Drops: {"drops": [_DOMAIN], "total": 1, "within": 2592000.0},
    answer_schemas.Events: {"events": [_EVENT], "last": 7, "more": False},
    answer_schemas.Problems: {
        "problems": [{"entry": "foo bar", "code": "bad_character", "reason": "holds a space"}],
        "cursor": None,
    },
    answer_schemas.Accepted: {"accepted": True},
}
