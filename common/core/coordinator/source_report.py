"""Shows every source of answers: whether it is configured, serves us, is believed, and what is left of its budget.

`/status` and `domain-monitor sources` show the same rows. They hold no key: only names of settings, hosts and sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from common.core.builtin import das_servers
from common.core.builtin.registrars import REGISTRARS
from common.core.builtin.source_kinds import FORBIDDEN, KINDS, MEMBERS_ONLY, PROVES_NOTHING, REGISTRAR_PROVES, SWITCHED_OFF
from common.core.coordinator.source_state import SourceState
from common.core.model.limit import Limit
from common.core.model.methods import is_registrar
from common.core.model.source_row import MOST, Configured, Entitled, SourceBudget, SourceRow
from common.core.registries.directory import Directory, host_of
from common.core.registries.offers import is_sandbox
from common.core.registries.operators import limit_for
from common.core.registries.sources import Source

#: Most rows.
MOST_SOURCES = 100
#: Methods whose servers depend on the suffix: one row for all of them.
_SHARED = ("dns", "http", "rdap", "whois")
#: The settings that let an availability service be asked, and an EPP account.
DAS_SETTINGS, EPP_SETTING = ("DAS_SUFFIXES", "DAS_SERVERS_FILE"), "EPP_ACCOUNTS"


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is configured. `missing` are the settings that a registrar lacks, by method: a row is made for each of these too.

    `absent`: whether availability services and EPP accounts that are not configured are shown as well.
    """

    directory: Directory
    sources: Sequence[Source]
    overrides: Mapping[str, Limit]
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    absent: bool = False


def list_sources(setup: Setup, state: SourceState) -> list[SourceRow]:
    """The rows, in the order in which sources are asked: what is open to all first, registrars last. At most MOST_SOURCES."""
    rows = [*_list_shared(state), *_list_das(setup, state), *_list_epp(setup, state), *_list_registrars(setup, state)]
    return rows[:MOST_SOURCES]


def _list_shared(state: SourceState) -> Iterator[SourceRow]:
    for method in _SHARED:
        kind = KINDS[method]
        row = SourceRow(method=method, title=kind.title, configured=Configured.YES, proves=kind.proves, terms=kind.terms)
        filled = _fill_state(state, row, state.budget_of(f"{method}/"), f"{method}/")
        yield structs.replace(filled, entitled=Entitled.YES, entitled_reason="")  # these are open to all


def _list_das(setup: Setup, state: SourceState) -> Iterator[SourceRow]:
    """A row for each service in use, the operator's own first; those of the table that are not in use where it is wished."""
    directory = setup.directory
    own: dict[str, list[str]] = {}
    for suffix, server in directory.own_das_servers().items():
        own.setdefault(server, []).append(suffix)
    for server, suffixes in own.items():
        yield _das_in_use(setup, state, _das_row(server, suffixes))
    for row in das_servers.SERVERS:
        server = f"{row.host}:{row.port}"
        used = [suffix for suffix in row.suffixes if directory.das_server(suffix)]
        built_in = [suffix for suffix in used if suffix not in directory.own_das_servers()]
        if built_in:
            yield _das_in_use(setup, state, _das_row(server, built_in))
        elif setup.absent and not used:
            doubt = _doubt_admission(server) or (FORBIDDEN if row.rate <= 0 else "")
            yield structs.replace(
                _das_row(server, row.suffixes),
                configured=Configured.NO,
                missing=_das_settings(row),
                entitled=Entitled.NO if doubt else Entitled.UNKNOWN,
                entitled_reason=doubt,
            )


def _das_settings(row: das_servers.DasServer) -> tuple[str, ...]:
    """The settings of which each would let a service be asked; () where only the registry could."""
    if row.rate <= 0:
        return ()
    return DAS_SETTINGS[1:] if row.access is das_servers.Access.LOGIN else DAS_SETTINGS


def _das_in_use(setup: Setup, state: SourceState, row: SourceRow) -> SourceRow:
    limit = _limit(setup, "das", row.server)
    return _fill_limited(state, row, limit, _doubt_admission(row.server))


def _doubt_admission(server: str) -> str:
    """Why a service may not serve us, "" for one that is open to all or of which nothing is known."""
    closed = any(row.host == host_of(server) and row.access is not das_servers.Access.PUBLIC for row in das_servers.SERVERS)
    return f"{MEMBERS_ONLY}: the registry has to admit our address" if closed else ""


def _das_row(server: str, suffixes: Sequence[str]) -> SourceRow:
    kind = KINDS["das"]
    return SourceRow(
        method="das",
        title=kind.title,
        server=server,
        suffixes=tuple(suffixes[:MOST]),
        configured=Configured.YES,
        proves=kind.proves,
        terms=MEMBERS_ONLY if _doubt_admission(server) else kind.terms,
    )


def _list_epp(setup: Setup, state: SourceState) -> Iterator[SourceRow]:
    kind, accounts = KINDS["epp"], [source for source in setup.sources if source.method == "epp"]
    row = SourceRow(method="epp", title=kind.title, configured=Configured.YES, proves=kind.proves, terms=kind.terms)
    for source in accounts:
        account = structs.replace(_mark_sandbox(row, source), server=source.url)
        yield _fill_limited(state, account, _limit(setup, "epp", source.url))
    if setup.absent and not accounts:
        yield structs.replace(row, configured=Configured.NO, missing=(EPP_SETTING,))


def _list_registrars(setup: Setup, state: SourceState) -> Iterator[SourceRow]:
    configured = {source.method: source for source in setup.sources}
    for vendor in REGISTRARS:
        method, proves = vendor.method, REGISTRAR_PROVES[vendor.proof]
        row = SourceRow(method=method, title=vendor.title, configured=Configured.YES, proves=proves, terms=vendor.terms)
        if method in configured:
            source = configured[method]
            limit = limit_for("registrar", vendor.vendor, setup.overrides)
            account = structs.replace(_mark_sandbox(row, source), server=_place(source.url))
            yield _fill_limited(state, account, limit)
        elif method in setup.missing:
            missing = tuple(setup.missing[method])
            yield structs.replace(row, configured=Configured.NO, missing=missing, server=_place(vendor.url))


def _fill_limited(state: SourceState, row: SourceRow, limit: Limit, doubt: str = "") -> SourceRow:
    """The row of a source with one limit; with a rate of 0 it is not asked, whatever is configured."""
    filled = _fill_state(state, row, state.budget_of(limit.operator, limit), limit.operator, doubt)
    if limit.rate > 0:
        return filled
    return structs.replace(filled, configured=Configured.NO, trouble=SWITCHED_OFF if limit.configured else FORBIDDEN)


def _fill_state(state: SourceState, row: SourceRow, budget: SourceBudget, operator: str, doubt: str = "") -> SourceRow:
    """The row with what is known of the source. `doubt` says why it may not serve us, for as long as it has not."""
    server = "" if is_registrar(row.method) else row.server  # a registrar has one server, wherever its API is
    success = state.last_success(row.method, server)
    entitled, reason = state.entitlement(operator, success)
    return structs.replace(
        row,
        entitled=entitled,
        entitled_reason=(doubt or reason) if entitled is Entitled.UNKNOWN else reason,
        trust=state.trust_of(row.method, server),
        budget=budget,
        last_success=success,
        trouble=state.trouble_of(operator, budget, entitled, reason),
    )


def _mark_sandbox(row: SourceRow, source: Source) -> SourceRow:
    """The row with the suffixes of a source; one that is asked in a sandbox proves nothing."""
    row = structs.replace(row, suffixes=source.suffixes[:MOST])
    return structs.replace(row, configured=Configured.SANDBOX, proves=PROVES_NOTHING) if is_sandbox(source) else row


def _limit(setup: Setup, kind: str, server: str) -> Limit:
    """The limit by which a query to "host[:port]" is paid."""
    return limit_for(kind, host_of(server), setup.overrides)


def _place(url: str) -> str:
    """The host of a base URL, with its port: the path of one that the operator set may hold anything."""
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]
