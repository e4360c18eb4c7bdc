"""The core's view of the settings, with the files they name read and checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from common.clients.list_text import source_of
from common.codec import convert, decode_map, encode
from common.config import Settings
from common.core.board import Policy
from common.core.cadence import Cadence
from common.core.limits import parse_budgets
from common.core.records import Detail
from common.core.tables.canaries import parse_canaries
from common.errors import ConfigError, MessageError
from common.log import get_logger


def policy_of(settings: Settings, suffix_of: Callable[[str], str | None]) -> Policy:
    """The core's view of the settings. Raises ConfigError for a budgets or canaries file that cannot be used."""
    return Policy(
        cadence=Cadence(
            settings.check_interval, settings.priority_check_interval, settings.confirm_gap, settings.confirm_gap_close
        ),
        instance=settings.instance_id,
        iana_host=settings.whois_iana_host,
        encode=encode,
        decode=detail_of,
        suffix_of=suffix_of,
        callbacks=bool(settings.api_callback_url),
        callback_results=settings.callback_results,
        recursive_dns=settings.dns_mode == "resolver",
        limits=parse_budgets(_content("BUDGETS_FILE", settings.budgets_file)) if settings.budgets_file else {},
        canaries=parse_canaries(_content("CANARIES_FILE", settings.canaries_file)) if settings.canaries_file else {},
        missing=tuple(missing_settings(settings)),
        pools=_pools(settings),
    )


def _pools(settings: Settings) -> tuple[str, ...]:
    """The pools of which this instance starts workers that are needed."""
    counts = {
        "fast": settings.fast_checkers,
        "intermediate": settings.intermediate_checkers,
        "deep": settings.deep_checkers,
        "notifier": settings.notifiers if settings.api_callback_url else 0,
    }
    return tuple(pool for pool, count in counts.items() if count)


def detail_of(data: bytes) -> Detail:
    """A stored detail; of one that a newer or broken version wrote nothing is known, the name itself is not lost."""
    try:
        return convert(decode_map(data), Detail) if data else Detail()
    except MessageError as error:
        get_logger("coordinator").warning("detail_unreadable", reason=str(error))
        return Detail()


def missing_settings(settings: Settings) -> list[str]:
    """What is not configured and what that means, one sentence each."""
    missing = []
    if not settings.domain_api_url:
        missing.append(f"DOMAIN_API_URL is not set: names are read from {source_of(settings)}")
    if not settings.api_callback_url:
        missing.append("API_CALLBACK_URL is not set: events are kept and shown, nothing is posted")
    elif not settings.callback_secret:
        missing.append("CALLBACK_SECRET is not set: callbacks are not signed")
    if not settings.user_agent_contact:
        missing.append("USER_AGENT_CONTACT is not set: registries cannot tell whom to write to")
    if not settings.sentry_dsn:
        missing.append("SENTRY_DSN is not set: crashes are only logged and dumped")
    return missing


def _content(name: str, path: Path | str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError([f"{name}: cannot read {path}: {error.strerror}"]) from error
