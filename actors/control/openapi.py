"""/openapi.json: OpenAPI 3.1, made from the route table when the application is built."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from aiohttp import web

from actors.control import webhooks
from actors.control.answer_examples import EXAMPLES
from actors.control.answer_schemas import Problem
from actors.control.auth import Access
from actors.control.http_problems import CONTENT_TYPE
from actors.control.query_params import Param
from actors.control.status_handlers import library_versions

DOCUMENT: web.AppKey[bytes] = web.AppKey("openapi", bytes)
_IN_PATH = re.compile(r"\{(\w+)\}")
_ABOUT = (
    "Watches domain names and says the moment one can be registered. Times are epoch seconds. Answers may carry fields that "
    "are not described here. Calls from the machine itself need no token, changing ones only where CONTROL_TOKEN is set; calls "
    "from elsewhere need one. Parameters that a call does not have are an error."
)
_SCHEMES = {
    "controlToken": {"type": "http", "scheme": "bearer", "description": "CONTROL_TOKEN: every call"},
    "readToken": {"type": "http", "scheme": "bearer", "description": "READ_TOKEN: calls that change nothing"},
    "password": {"type": "http", "scheme": "basic", "description": "one of the tokens as password, any user: for browsers"},
    "callback": {"type": "http", "scheme": "bearer", "description": "API_AUTH_TOKEN, in callbacks"},
}
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.OPEN: [],
    Access.READ: [{}, {"readToken": []}, {"controlToken": []}, {"password": []}],
    Access.CHANGE: [{}, {"controlToken": []}, {"password": []}],
}
_PROBLEMS = {
    400: "A parameter, a name or the body is not as it has to be.",
    401: "A token is needed.",
    403: "Not from there, not under this name, or not with this token.",
    404: "There is no such thing.",
    408: "The body took too long.",
    413: "The body is too large.",
    415: "A body has to be JSON.",
    429: "Too soon after the last call.",
    500: "Something went wrong here; the log has the details.",
    503: "Not now: no state yet, no coordinator, or too many callers.",
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
    def access(self) -> Access:
        """What a call of it needs."""
        ...

    @property
    def answer(self) -> Any:
        """The type of its JSON."""
        ...

    @property
    def forms(self) -> tuple[tuple[str, dict[str, Any]], ...]:
        """JSON Schema of the placeholders."""
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


def build_document(routes: Iterable[Operation]) -> bytes:
    """The description as JSON."""
    routes = tuple(routes)
    models = tuple(dict.fromkeys([*(route.answer for route in routes if route.answer is not str), Problem, *webhooks.MODELS]))
    schemas, components = msgspec.json.schema_components(models, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(models, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _describe_operation(route, schema_of)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Domain Monitor",
                "version": library_versions()["domain-monitor"],
                "description": _ABOUT,
                "license": {"name": "GPL-3.0-only", "identifier": "GPL-3.0-only"},
            },
            "paths": paths,
            "webhooks": webhooks.describe_webhooks(schema_of),
            "components": {
                "schemas": components,
                "responses": {
                    f"Problem{status}": _describe_problem(status, text, schema_of[Problem])
                    for status, text in _PROBLEMS.items()
                },
                "securitySchemes": _SCHEMES,
            },
        }
    )


async def get_description(request: web.Request) -> web.Response:
    """GET /openapi.json."""
    return web.Response(body=request.app[DOCUMENT], content_type="application/json")


def _describe_operation(route: Operation, schema_of: dict[type, Any]) -> dict[str, Any]:
    forms = dict(route.forms)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", **_without_example(forms.get(name, {}))}}
        | _example(forms.get(name, {}))
        for name in _IN_PATH.findall(route.path)
    ]
    parameters += [
        {"name": param.name, "in": "query", "description": param.help, "schema": param.schema()} for param in route.query
    ]
    good = 202 if route.access is Access.CHANGE else 200
    answers: dict[str, Any] = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": {media: _describe_content(media, route.answer, schema_of) for media in route.produces},
        }
        for status in (good, *route.same)
    }
    failures = {400, 500, 503, *route.failures, *((404,) if "{" in route.path else ())}
    failures |= set() if route.access is Access.OPEN else {401, 403}
    for status in sorted(failures):
        if str(status) in answers:  # an answer of its own, or a problem: too many connections
            answers[str(status)]["content"][CONTENT_TYPE] = {"schema": schema_of[Problem]}
        else:
            answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": answers,
        "security": _SECURITY[route.access],
    }


def _describe_content(media: str, answer: Any, schema_of: dict[type, Any]) -> dict[str, Any]:
    if media != "application/json":
        return {"schema": {"type": "string"}}
    example = EXAMPLES.get(answer)
    return {"schema": schema_of[answer]} | ({} if example is None else {"example": example})


def _example(form: dict[str, Any]) -> dict[str, Any]:
    return {"example": form["example"]} if "example" in form else {}


def _without_example(form: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in form.items() if key != "example"}


def _describe_problem(status: int, text: str, schema: Any) -> dict[str, Any]:
    example = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": text, "instance": "/path"}
    content = {CONTENT_TYPE: {"schema": schema, "example": example}}
    headers = {
        401: {"WWW-Authenticate": {"description": "which credentials help", "required": True, "schema": {"type": "string"}}},
        429: {"Retry-After": {"description": "seconds", "required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
        503: {"Retry-After": {"description": "seconds", "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
    }.get(status, {})
    return {"description": text, "content": content} | ({"headers": headers} if headers else {})


def _operation_id(route: Operation) -> str:
    words = re.findall(r"[a-z]+", route.path)
    return route.method.lower() + "".join(word.capitalize() for word in words or ["dashboard"])
