"""/openapi.json: OpenAPI 3.1, made from the route table when the application is built."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from aiohttp import web

from actors.control.overview import versions
from actors.control.params import Param
from actors.control.problems import CONTENT_TYPE

DOCUMENT: web.AppKey[bytes] = web.AppKey("openapi", bytes)
_IN_PATH = re.compile(r"\{(\w+)\}")
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "a stable word for programs"},
    },
}


class Operation(Protocol):
    """What is read of a route."""

    @property
    def method(self) -> str:
        """GET or POST."""
        ...

    @property
    def path(self) -> str:
        """With {placeholders}."""
        ...

    @property
    def summary(self) -> str:
        """One line."""
        ...

    @property
    def query(self) -> tuple[Param, ...]:
        """Its parameters."""
        ...

    @property
    def changing(self) -> bool:
        """Whether it needs the token."""
        ...

    @property
    def produces(self) -> tuple[str, ...]:
        """Media types."""
        ...

    @property
    def failures(self) -> tuple[int, ...]:
        """Problem statuses."""
        ...

    @property
    def same(self) -> tuple[int, ...]:
        """Further statuses with the content of success."""
        ...


def document(routes: Iterable[Operation]) -> bytes:
    """The description as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Domain Monitor",
                "version": versions()["domain-monitor"],
                "description": "Watches domain names and says the moment one can be registered. Times are epoch seconds.",
            },
            "paths": paths,
            "components": {
                "schemas": {"Problem": _PROBLEM},
                "responses": {
                    "Problem": {
                        "description": "What went wrong",
                        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    }
                },
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "the value of CONTROL_TOKEN"}},
            },
        }
    )


async def serve(request: web.Request) -> web.Response:
    """GET /openapi.json."""
    return web.Response(body=request.app[DOCUMENT], content_type="application/json")


def _operation(route: Operation) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _IN_PATH.findall(route.path)
    ]
    parameters += [
        {"name": param.name, "in": "query", "description": param.help, "schema": param.schema()} for param in route.query
    ]
    good = 202 if route.changing else 200
    answers: dict[str, Any] = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {media: {"schema": _schema(media)} for media in route.produces},
        }
        for status in (good, *route.same)
    }
    failures = {500, *route.failures, *((404,) if "{" in route.path else ()), *((400,) if parameters else ())}
    answers |= {str(status): {"$ref": "#/components/responses/Problem"} for status in sorted(failures)}
    operation: dict[str, Any] = {
        "operationId": _identity(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": answers,
    }
    return operation | ({"security": [{"token": []}, {}]} if route.changing else {})


def _schema(media: str) -> dict[str, Any]:
    return {"type": "object"} if media == "application/json" else {"type": "string"}


def _identity(route: Operation) -> str:
    words = re.findall(r"[a-z]+", route.path)
    return route.method.lower() + "".join(word.capitalize() for word in words or ["dashboard"])
