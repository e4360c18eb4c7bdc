"""The callbacks, as /openapi.json describes them: what is POSTed to API_CALLBACK_URL, with which headers."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from actors.control.answer_schemas import Map, Name, Time


class Check(TypedDict, total=False):
    """What one method said, where and when."""

    result: str
    finding: str
    reason: str
    server: str
    address: str
    status: int | None
    timestamp: Time
    duration_ms: float
    digest: str
    canary: Map | None


class Checks(TypedDict):
    """The evidence of a notice, by method."""

    timestamp: Time
    checks: dict[str, Check]


class Notice(TypedDict):
    """Something happened to a name. Further fields may be there, and more may come."""

    domain: Name
    status: Annotated[
        str,
        Meta(
            description="what happened: available, unregistered, registered, retracted, redemption, pending_delete, restored, "
            "renewed, forecast_missed, ..."
        ),
    ]
    confidence: NotRequired[Annotated[float, Meta(description="probability that the name can be registered now")]]
    timestamp: NotRequired[Time]
    checks: NotRequired[Checks]
    basis: NotRequired[Annotated[str, Meta(description="sources or repetition, see docs/verdicts.md")]]
    forecast: NotRequired[Annotated[Map, Meta(description="earliest, likely, latest, probability and basis")]]
    seconds_after_drop: NotRequired[Annotated[float, Meta(description="of a name that was registered again")]]
    truncated: NotRequired[bool]


class CheckResult(TypedDict):
    """What one method said about one name."""

    domain: Name
    check_type: Annotated[str, Meta(examples=["rdap"])]
    result: Annotated[str, Meta(examples=["registered"])]
    timestamp: NotRequired[Time]
    details: NotRequired[Map]
    duration_ms: NotRequired[float]
    truncated: NotRequired[bool]


MODELS = (Notice, CheckResult)
NOTICE: dict[str, Any] = {
    "domain": "example.com",
    "status": "available",
    "confidence": 0.95,
    "timestamp": 1790000000.0,
    "checks": {"timestamp": 1790000000.0, "checks": {"dns": {}, "rdap": {}, "whois": {}}},
}
RESULT: dict[str, Any] = {
    "domain": "example.com",
    "check_type": "rdap",
    "result": "registered",
    "timestamp": 1790000000.0,
    "details": {"registrar": "Example Registrar", "expiration_date": "2027-01-31T00:00:00Z"},
    "duration_ms": 41.2,
}

_HEADERS: tuple[tuple[str, bool, str, dict[str, str]], ...] = (
    ("webhook-id", True, "the event's id, the same on every attempt: process each id once", {}),
    ("webhook-timestamp", True, "epoch seconds of this attempt", {"pattern": "^[0-9]+$"}),
    (
        "webhook-signature",
        False,
        "with CALLBACK_SECRET, as Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body`",
        {"pattern": "^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)*$"},
    ),
    ("Idempotency-Key", True, "the same as webhook-id", {}),
    ("dm-attempt", True, "number of this attempt, from 1", {"pattern": "^[0-9]+$"}),
    ("dm-replay", False, "1 where it was asked for again by hand", {"const": "1"}),
    ("User-Agent", True, "this program and how to reach its operator", {}),
)


def describe_webhooks(schema_of: dict[type, Any]) -> dict[str, Any]:
    """The webhooks object (OpenAPI 3.1); `schema_of` has a schema for each model."""
    return {
        "notice": _hook("Something happened to a name", schema_of[Notice], NOTICE),
        "checkResult": _hook("What one method said, as CALLBACK_RESULTS asks for it", schema_of[CheckResult], RESULT),
    }


def _hook(summary: str, schema: Any, example: dict[str, Any]) -> dict[str, Any]:
    return {
        "post": {
            "summary": summary,
            "description": "Repeated with the same id and the same body until it is answered with 2xx; one may arrive twice. "
            "With API_AUTH_TOKEN it carries `Authorization: Bearer`.",
            "parameters": [
                {"name": name, "in": "header", "required": required, "description": text, "schema": {"type": "string", **more}}
                for name, required, text, more in _HEADERS
            ],
            "requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}},
            "responses": {
                "2XX": {"description": "Taken: it is not sent again"},
                "default": {"description": "Not taken: it is sent again later; Retry-After is heeded"},
            },
            "security": [{"callback": []}, {}],
        }
    }
