"""Forgets that an operator refused our key once it has another one: a digest of the credentials of each operator tells."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from common.core.rate_limits.policy import is_refusal
from common.core.rate_limits.saved import Saved, keep_count


def encode_digests(digests: Mapping[str, str]) -> str:
    """JSON text of digests by operator, as `decode_digests` reads it."""
    return msgspec.json.encode(digests).decode()


def decode_digests(text: str) -> dict[str, str]:
    """The digests of a text by operator; none of a damaged one."""
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (ValueError, RecursionError):
        return {}


def find_changed(before: Mapping[str, str], digests: Mapping[str, str]) -> set[str]:
    """The operators with other credentials than before; one that is new or has none now is not among them."""
    return {operator for operator, digest in digests.items() if before.get(operator, digest) != digest}


def forget_refusals(rows: Mapping[str, Saved], operators: set[str]) -> dict[str, Saved]:
    """Rows by "operator|egress", without what was learned by a refusal of these operators; the counts of the day stay."""
    found = {}
    for key, saved in rows.items():
        refused = key.partition("|")[0] in operators and is_refusal(saved.reason)
        kept = keep_count(saved) if refused else saved
        if kept is not None:
            found[key] = kept
    return found


def merge_digests(before: Mapping[str, str], digests: Mapping[str, str], rows: Mapping[str, Saved]) -> dict[str, str]:
    """What is to be stored: the digests of now, and those of before as long as something is known of the operator."""
    known = {key.partition("|")[0] for key in rows}
    return {operator: digest for operator, digest in before.items() if operator in known} | dict(digests)
