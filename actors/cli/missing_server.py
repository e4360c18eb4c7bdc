"""Why a method has no server that may be asked for a suffix, in one sentence that names the setting which would change that."""

from __future__ import annotations

from common.core.builtin.das_servers import BY_SUFFIX, Access
from common.core.builtin.source_kinds import FORBIDDEN, SWITCHED_OFF
from common.core.model.methods import is_registrar
from common.core.registries.directory import host_of
from common.core.registries.registries import Registries

#: Methods whose servers are found by their checkers.
_FOUND_BY_CHECKER = ("dns", "http")


def explain_missing_server(registries: Registries, method: str, suffix: str) -> str:
    """Why no server of a method may be asked for a suffix (A-label); "" where one may."""
    if method in _FOUND_BY_CHECKER:
        return SWITCHED_OFF if registries.limit_of(method, suffix, suffix).rate <= 0 else ""
    if registries.server_of(method, suffix) is not None:
        return ""
    server = _find_server(registries, method, suffix)
    if server is not None:
        return SWITCHED_OFF if registries.limit_of(method, host_of(server), suffix).configured else FORBIDDEN
    return _explain_unknown_server(method, suffix)


def _explain_unknown_server(method: str, suffix: str) -> str:
    if method == "epp":
        return f"no account for .{suffix} in EPP_ACCOUNTS"
    if method == "das":
        return _explain_missing_service(suffix)
    return f"not asked about .{suffix}" if is_registrar(method) else f"no server is known that may be asked for .{suffix}"


def _find_server(registries: Registries, method: str, suffix: str) -> str | None:
    """The server of a method, whether or not its limit lets it be asked."""
    directory = registries.directory
    if method == "rdap":
        found = directory.rdap_server(suffix)
        return found.base if found is not None else None
    if method == "whois":
        return directory.whois_server(suffix)
    if method == "das":
        return directory.das_server(suffix)
    source = registries.sources.find_source(method, suffix)
    return source.url if source is not None else None


def _explain_missing_service(suffix: str) -> str:
    row = BY_SUFFIX.get(suffix)
    if row is None:
        return f"no availability service is known for .{suffix}; DAS_SERVERS_FILE can name one"
    if row.access is Access.LOGIN:
        return f"the service of .{suffix} needs a login; DAS_SERVERS_FILE can name another"
    return FORBIDDEN if row.rate <= 0 else f"das of .{suffix} is not configured (DAS_SUFFIXES)"
