"""The words of `check --methods`: methods, `registrar` for every registrar that is configured, `registrar:VENDOR` for one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from common.config import Settings
from common.core.builtin.registrars import BY_VENDOR, REGISTRARS, Registrar
from common.core.model.methods import POOL_OF, REGISTRAR, is_registrar
from common.errors import ConfigError
from common.sources import missing_settings

_ALL = REGISTRAR.rstrip(":")
#: The setting that a method without a checker needs.
_NEEDS = {"epp": " (EPP_ACCOUNTS)"}
_MORE = "`domain-monitor sources` lists every source and what it needs"


def choose_methods(words: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """The methods that these words name, each once; without a word all but registrars.

    Raises ConfigError for a word that means nothing, and for a registrar without its settings.
    """
    known = {*POOL_OF, _ALL, *(row.method for row in REGISTRARS)}
    strange = [word for word in words if word not in known]
    if strange:
        there_are = ", ".join([*POOL_OF, _ALL, f"{REGISTRAR}VENDOR"])
        raise ConfigError([f"unknown method: {', '.join(strange)} (there are {there_are})"])
    chosen: dict[str, None] = {}
    for word in words or POOL_OF:
        if word == _ALL:
            chosen |= dict.fromkeys(_configured_registrars(settings))
            continue
        if is_registrar(word):
            _require_configured(settings, BY_VENDOR[word.removeprefix(REGISTRAR)])
        chosen[word] = None
    return tuple(chosen)


def require_checkers(methods: Sequence[str], found: Collection[str]) -> None:
    """Raise ConfigError where a method has no checker: an account of it is not configured."""
    lacking = [method for method in methods if method not in found]
    if lacking:
        raise ConfigError([f"{method} is not configured{_NEEDS.get(method, '')}; {_MORE}" for method in lacking])


def _configured_registrars(settings: Settings) -> list[str]:
    found = [row.method for row in REGISTRARS if not missing_settings(settings, row)]
    if not found:
        needs = [f"  {row.vendor} needs {', '.join(missing_settings(settings, row))}" for row in REGISTRARS]
        raise ConfigError([f"no registrar is configured: set what one of them needs; {_MORE}", *needs])
    return found


def _require_configured(settings: Settings, row: Registrar) -> None:
    missing = missing_settings(settings, row)
    if missing:
        raise ConfigError([f"{row.method} is not configured: {', '.join(missing)} must be set; {_MORE}"])
