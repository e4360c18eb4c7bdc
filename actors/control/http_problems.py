"""Every error of the HTTP interface as application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from common.errors import DomainMonitorError, StoreError
from common.log import get_logger

CONTENT_TYPE = "application/problem+json"
Headers = Mapping[str, str] | Iterable[tuple[str, str]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = get_logger(__name__)


class Problem(DomainMonitorError):  # noqa: N818 - the word of RFC 9457
    """Ends a request. `code` is a stable word for programs, the text one sentence for people; a header may be there twice."""

    def __init__(self, status: int, detail: str, *, code: str = "", headers: Headers | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code
        self.headers = tuple(headers.items() if isinstance(headers, Mapping) else headers or ())


def store_unavailable() -> Problem:
    """The store is not there (a fresh start) or cannot be read at the moment; it is looked for again with every request."""
    return Problem(503, "The state is not there yet; it appears once the coordinator runs.", headers={"Retry-After": "2"})


def store_away() -> Problem:
    """The server of the database is away; it is looked for again with every request."""
    return Problem(503, "The database server cannot be reached at the moment.", headers={"Retry-After": "2"})


def problem_body(status: int, detail: str, instance: str, code: str = "") -> bytes:
    """The JSON of a problem. `type` stays about:blank: the status and `code` say which one it is."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance[:500],
    }
    if code:
        content["code"] = code
    return msgspec.json.encode(content)


def problem_response(problem: Problem, instance: str) -> web.Response:
    """A problem as a response."""
    body = problem_body(problem.status, problem.detail, instance, problem.code)
    return web.Response(status=problem.status, body=body, headers=problem.headers, content_type=CONTENT_TYPE)


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem; an unexpected error is logged, and its cause not told."""
    try:
        return await handler(request)
    except Problem as problem:
        return problem_response(problem, request.path)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return problem_response(_of_aiohttp(error), request.path)
    except StoreError as error:
        log.warning("store_unreadable", error=str(error))
        return problem_response(store_unavailable(), request.path)
    except Exception:
        log.exception("request_failed", path=request.path)
        return problem_response(Problem(500, "Something went wrong here; the log has the details."), request.path)


_DETAILS = {
    404: "There is nothing at this path; GET /openapi.json lists what there is.",
    405: "This path does not take that method.",
    413: "The body is too large.",
}


def _of_aiohttp(error: web.HTTPException) -> Problem:
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Problem(error.status, _DETAILS.get(error.status, f"{error.reason}."), headers=headers)
