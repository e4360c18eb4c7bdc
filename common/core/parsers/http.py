"""Answers of the web server at a name. They prove that the name was delegated when it was resolved, and nothing else.

The lack of an answer is no sign of availability: web servers are down, filtered, or absent by choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from common.core.builtin.sale_hosts import SALE_HOSTS
from common.core.model.evidence import Outcome, Phase, Reading, unknown_reading


def parse_web_answer(status: int, headers: Mapping[str, str], domain: str) -> Reading:
    """What one HTTP answer of a server reached by resolving `domain` (A-label) proves. Total.

    `status` is the status code, anything outside 100..599 stands for no answer.
    """
    if not 100 <= status <= 599:
        return unknown_reading("http_silent", "no HTTP answer")
    heads = {key.lower(): value for key, value in headers.items()}
    reason = f"a web server answers at the name (HTTP {status})"
    host = redirect_host(heads.get("location", ""))
    if 300 <= status < 400 and host and host != domain and not host.endswith(f".{domain}"):
        sale = any(host == known or host.endswith(f".{known}") for known in SALE_HOSTS)
        reason += f", redirecting to {host[:100]}" + (", where names are for sale" if sale else "")
    return Reading(Outcome.REGISTERED, "http_answer", reason, phase=Phase.ACTIVE)


def redirect_host(location: str) -> str:
    """Host of a Location header in lower case; "" for a relative or malformed one."""
    try:
        return (urlsplit(location[:2000]).hostname or "").lower().rstrip(".")
    except ValueError:
        return ""
