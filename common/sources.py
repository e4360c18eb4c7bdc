"""Which sources beyond a registry's public channels are configured, from the settings."""

from __future__ import annotations

from common.config import TABLE, Settings
from common.core.builtin.registrars import REGISTRARS, Proof, Registrar
from common.core.registries.sources import Source
from common.errors import ConfigError


def find_sources(settings: Settings) -> tuple[Source, ...]:
    """The configured sources, in the order in which they are asked: EPP accounts first."""
    accounts = (
        Source(
            method="epp",
            url=account.host,
            suffixes=account.suffixes,
            batch=account.batch,
            rate=account.rate,
            credentials=settings.key_digests.get(account.host, ""),
        )
        for account in settings.epp_accounts
    )
    registrars = (
        Source(
            method=row.method,
            url=base_url(settings, row),
            batch=batch_of(settings, row),
            one_suffix=row.one_suffix,
            proof=_is_proof(settings, row),
            credentials=settings.key_digests.get(row.method, ""),
        )
        for row in REGISTRARS
        if not missing_settings(settings, row)
    )
    return (*accounts, *registrars)


def missing_settings(settings: Settings, row: Registrar) -> list[str]:
    """The settings without which a registrar cannot be asked and that are not set.

    Raises ConfigError where one of them is no setting at all.
    """
    unknown = [name for name in row.needs if name not in TABLE]
    if unknown:
        raise ConfigError([f"{row.vendor} needs {', '.join(unknown)}: add it to SourceSettings in common/source_settings.py"])
    return [name for name in row.needs if not settings.has(name)]


def base_url(settings: Settings, row: Registrar) -> str:
    """Where a registrar's API is asked, without a final slash: the operator's URL, its sandbox, or the vendor's own."""
    default = row.sandbox if is_sandbox(settings, row) else row.url
    return settings.registrar_urls.get(row.vendor, default)


def is_sandbox(settings: Settings, row: Registrar) -> bool:
    """Whether a registrar is asked in its sandbox, which knows nothing of real names."""
    return row.vendor in settings.registrar_sandbox


def batch_of(settings: Settings, row: Registrar) -> int:
    """How many names one call may carry."""
    return settings.dynadot_batch if row.vendor == "dynadot" else row.batch


def _is_proof(settings: Settings, row: Registrar) -> bool:
    return row.proof is not Proof.HINT and not is_sandbox(settings, row)
