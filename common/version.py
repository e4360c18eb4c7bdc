"""What this program calls itself: in the User-Agent, in error reports and on the command line."""

from __future__ import annotations

from functools import lru_cache

#: Where the program runs from a folder that was never installed.
UNKNOWN = "0"


@lru_cache(maxsize=1)
def current() -> str:
    """The version of the installed package, "0" where there is none."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # costs 50 ms, which the health check spares

    try:
        return version("domain-monitor")
    except PackageNotFoundError:
        return UNKNOWN


def user_agent(contact: str | None) -> str:
    """The one User-Agent of every request (RFC 9110 section 10.1.5): the program, its version and whom to write to."""
    return f"DomainMonitor/{current()}" + (f" (+{contact})" if contact else "")
