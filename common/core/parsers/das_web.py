"""Answers of availability services over HTTP: the status first, then the body in the form of the service."""

from __future__ import annotations

from collections.abc import Mapping

from common.core.builtin.das_servers import BY_HOST, PLAIN, Form
from common.core.model.evidence import Outcome, Reading, unknown_reading
from common.core.parsers import das, das_json
from common.core.parsers.retry_after import parse_retry_after


def parse_das_response(
    status: int, headers: Mapping[str, str], body: bytes, domain: str, server: str, *, now: float | None = None
) -> Reading:
    """What one HTTP answer of `server` (a host with a row in `builtin.das_servers`) says about `domain` (A-label). Total.

    `now` is in epoch seconds, for a date in Retry-After. Only a 200 can say something about the name.
    """
    heads = {key.lower(): value for key, value in headers.items()}
    if status != 200:
        return _read_failure(status, parse_retry_after(heads.get("retry-after"), now))
    form = BY_HOST.get(server.lower().strip().partition(":")[0], PLAIN).form
    if body.lstrip()[:1] == b"<":
        return unknown_reading("das_html", "a web page instead of an answer")
    if form is Form.BR_JSON:
        return das_json.parse_br_status(body, domain)
    if form is Form.EE_AUCTIONS:
        return _read_auctions(body, domain)
    return das.parse_das_answer(body.decode("utf-8", "replace"), domain, server)


def _read_failure(status: int, wait: float | None) -> Reading:
    if status in {429, 503}:
        return Reading(Outcome.THROTTLED, "das_throttled", f"the service limits us (HTTP {status})", retry_after=wait)
    if status in {401, 403}:
        return unknown_reading("das_refused", f"the service refuses us (HTTP {status})", retry_after=wait)
    if 300 <= status < 400:
        return unknown_reading("das_redirect", f"a redirect, which is not followed (HTTP {status})")
    if status >= 500:
        return unknown_reading("das_5xx", f"the service is broken (HTTP {status})", retry_after=wait)
    return unknown_reading("das_status", f"an unexpected status (HTTP {status})", retry_after=wait)


def _read_auctions(body: bytes, domain: str) -> Reading:
    try:
        return das_json.read_ee_auctions(das_json.parse_ee_auctions(body), domain)
    except ValueError as error:
        return unknown_reading("das_bad_json", str(error))
