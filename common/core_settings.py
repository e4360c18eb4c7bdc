"""The core's view of the settings, with the files they name read and checked."""

from __future__ import annotations

from common import operator_files
from common.clients.list_text import list_source_name
from common.codec import convert, decode_map, encode
from common.config import Settings
from common.core.coordinator.wiring import Policy
from common.core.model.records import Detail
from common.core.schedule.cadence import Cadence
from common.core.shards.layout import ONE_SHARD, Layout
from common.errors import MessageError
from common.log import get_logger
from common.sources import find_sources


def build_policy(settings: Settings, epoch: int = 0, layout: Layout = ONE_SHARD) -> Policy:
    """The core's view of the settings; `epoch` is that in which it leads, 0 for none, `layout` how the list is divided.

    Raises ConfigError for a budgets or canaries file that cannot be used.
    """
    return Policy(
        cadence=Cadence(
            settings.check_interval, settings.priority_check_interval, settings.confirm_gap, settings.confirm_gap_close
        ),
        instance=settings.instance_id,
        epoch=epoch,
        layout=layout,
        shard=settings.shard,
        iana_host=settings.whois_iana_host,
        encode=encode,
        decode=decode_detail,
        callbacks=settings.has("API_CALLBACK_URL"),
        callback_results=settings.callback_results,
        recursive_dns=settings.dns_mode == "resolver",
        limits=operator_files.load_budgets(settings),
        canaries=operator_files.load_canaries(settings),
        missing=tuple(missing_settings(settings)),
        pools=_needed_pools(settings),
        sources=find_sources(settings),
    )


def _needed_pools(settings: Settings) -> tuple[str, ...]:
    """The pools of which this instance starts workers that are needed."""
    counts = {
        "fast": settings.fast_checkers,
        "intermediate": settings.intermediate_checkers,
        "deep": settings.deep_checkers,
        "notifier": settings.notifiers if settings.api_callback_url else 0,
    }
    return tuple(pool for pool, count in counts.items() if count)


def decode_detail(data: bytes) -> Detail:
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
        missing.append(f"DOMAIN_API_URL is not set: names are read from {list_source_name(settings)}")
    if not settings.has("API_CALLBACK_URL"):
        missing.append("API_CALLBACK_URL is not set: events are kept and shown, nothing is posted")
    elif not settings.has("CALLBACK_SECRET"):
        missing.append("CALLBACK_SECRET is not set: callbacks are not signed")
    if not settings.user_agent_contact:
        missing.append("USER_AGENT_CONTACT is not set: registries cannot tell whom to write to")
    if not settings.has("SENTRY_DSN"):
        missing.append("SENTRY_DSN is not set: crashes are only logged and dumped")
    return missing
