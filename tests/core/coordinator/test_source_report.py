"""The list of sources: what is shown of each, configured or not, and in which order."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from common.core.builtin.das_servers import SERVERS
from common.core.builtin.registrars import REGISTRARS
from common.core.builtin.source_kinds import FORBIDDEN, SWITCHED_OFF
from common.core.coordinator import source_report
from common.core.coordinator.source_report import DAS_SETTINGS, EPP_SETTING, Setup, list_sources
from common.core.coordinator.source_state import SourceState
from common.core.coordinator.status import Status
from common.core.coordinator.wiring import Policy
from common.core.model.channel import ChannelKey
from common.core.model.evidence import Observation, Outcome, unknown_reading
from common.core.model.limit import Limit
from common.core.model.records import TrustRow
from common.core.model.source_row import Configured, Entitled, SourceRow, Trusted
from common.core.registries.directory import Directory
from common.core.registries.operators import limit_for
from common.core.registries.sources import Source
from tests.core.coordinator.cores import NOW, new_rooms, policy_of

GANDI = Source(method="registrar:gandi", url="https://user:word@api.gandi.net:8443/v5/secret-path", suffixes=("com",), batch=1)
EPP = Source(method="epp", url="epp.nic.example:700", suffixes=("uk", "co.uk"))
UK = next(row for row in SERVERS if "uk" in row.suffixes)


def rows_of(state: SourceState | None = None, **changes: Any) -> list[SourceRow]:
    """The rows of a set-up."""
    setup = {"directory": Directory(), "sources": (), "overrides": {}, **changes}
    return list_sources(Setup(**setup), state or SourceState(NOW))


def find(rows: list[SourceRow], method: str) -> SourceRow:
    """The one row of a method."""
    (row,) = [row for row in rows if row.method == method]
    return row


def test_what_is_open_to_all_is_always_there() -> None:
    """One row for each method whose server depends on the suffix; it is open to all."""
    rows = rows_of()

    assert [row.method for row in rows][:4] == ["dns", "http", "rdap", "whois"]
    assert {(row.configured, row.entitled) for row in rows[:4]} == {(Configured.YES, Entitled.YES)}
    assert all(row.proves and row.terms and row.title for row in rows)


def test_a_method_shows_all_of_its_operators() -> None:
    """Budgets, canaries and the last success of RDAP, none of WHOIS."""
    budget = {"operator": "rdap/a", "egress": "x", "rate": 1.0, "tokens": 1.0, "blocked_until": None, "reason": ""}
    state = SourceState(
        NOW,
        budgets=[{**budget, "complaint": "", "used_today": 3}],
        trust=[TrustRow("rdap", "rdap.a.example", "com", NOW - 9, NOW - 8)],
        proved={ChannelKey("rdap", "rdap.a.example", "com"): NOW - 4},
    )
    rdap, whois = (find(rows_of(state), method) for method in ("rdap", "whois"))

    assert (rdap.budget.operators, rdap.budget.used_today, rdap.last_success) == (1, 3, NOW - 4)
    assert rdap.trust.state is Trusted.VERIFIED
    assert (whois.budget.operators, whois.last_success, whois.trust.channels) == (0, None, 0)


# -- registrars ----------------------------------------------------------------------------------------------------------


def test_a_configured_registrar_shows_its_host_and_nothing_else_of_its_url() -> None:
    """A path or a user of an URL that the operator set may be a secret."""
    row = find(rows_of(sources=(GANDI,)), "registrar:gandi")

    assert (row.server, row.suffixes, row.configured, row.title) == ("api.gandi.net:8443", ("com",), Configured.YES, "Gandi")
    assert row.entitled is Entitled.UNKNOWN
    assert (row.budget.rate, row.missing) == (1.0, ())


def test_a_sandbox_is_marked_and_proves_nothing() -> None:
    """A service that only hints is none, and keeps its own sentence."""
    sandbox = Source(method="registrar:gandi", url="https://x.example", proof=False)
    hint = Source(method="registrar:whoisxml", url="https://y.example", proof=False)
    rows = rows_of(sources=(sandbox, hint))

    assert find(rows, "registrar:gandi").configured is Configured.SANDBOX
    assert find(rows, "registrar:gandi").proves.startswith("nothing")
    assert find(rows, "registrar:whoisxml").configured is Configured.YES
    assert "hint" in find(rows, "registrar:whoisxml").proves


def test_registrars_without_settings_are_listed_where_it_is_wished() -> None:
    """With what they lack, at the vendor's own host, in the order of the table."""
    missing = {row.method: row.needs for row in REGISTRARS}
    rows = [row for row in rows_of(missing=missing) if row.method.startswith("registrar:")]

    assert [row.method for row in rows] == [row.method for row in REGISTRARS]
    assert rows[0].missing == REGISTRARS[0].needs
    assert rows[0].server == "api.cloudflare.com"
    assert {row.configured for row in rows} == {Configured.NO}
    assert not [row for row in rows_of() if row.method.startswith("registrar:")]


def test_the_rate_of_a_registrar_is_the_operators_own_where_one_is_set() -> None:
    """BUDGETS_FILE holds here too."""
    overrides = {"registrar/gandi": Limit("registrar/gandi", 0.25, 1, 40)}
    row = find(rows_of(sources=(GANDI,), overrides=overrides), "registrar:gandi")

    assert (row.budget.rate, row.budget.per_day) == (0.25, 40)


def test_a_registrar_is_one_source_wherever_its_api_is() -> None:
    """Its canaries and answers are kept by the host that was asked."""
    state = SourceState(NOW, proved={ChannelKey("registrar:gandi", "elsewhere.example", "com"): NOW - 3})
    row = find(rows_of(state, sources=(GANDI,)), "registrar:gandi")

    assert (row.last_success, row.entitled) == (NOW - 3, Entitled.YES)


# -- availability services and EPP ---------------------------------------------------------------------------------------


def test_availability_services_that_are_not_in_use_are_listed_where_it_is_wished() -> None:
    """With the settings that let them be asked; those for members only say so."""
    rows = [row for row in rows_of(absent=True) if row.method == "das" and row.configured is Configured.NO]
    uk = next(row for row in rows if row.server == f"{UK.host}:{UK.port}")

    assert uk.missing == DAS_SETTINGS
    assert (uk.entitled, uk.suffixes) == (Entitled.NO, UK.suffixes)
    assert "members" in uk.entitled_reason
    assert "members" in uk.terms
    assert not [row for row in rows_of() if row.method == "das" and row.configured is Configured.NO]


def test_a_service_names_only_the_settings_that_help() -> None:
    """One with a login is asked elsewhere or not at all, of one that its registry forbids none helps."""
    by_suffix = {suffix: row for row in rows_of(absent=True) if row.method == "das" for suffix in row.suffixes}

    assert by_suffix["dk"].missing == ("DAS_SERVERS_FILE",)
    assert (by_suffix["nl"].missing, by_suffix["nl"].entitled) == ((), Entitled.NO)
    assert by_suffix["nl"].entitled_reason == FORBIDDEN


def test_a_source_with_a_rate_of_zero_is_not_configured() -> None:
    """It says whether that is the operator's setting or the registry's policy."""
    off = {f"{kind}/*": Limit(f"{kind}/*", 0.0, 0) for kind in ("das", "epp", "registrar")}
    rows = rows_of(sources=(EPP, GANDI), overrides=off)
    nl = next(row for row in rows_of(directory=Directory(das_suffixes=("nl",))) if "nl" in row.suffixes)

    assert {row.method for row in rows[4:]} == {"das", "epp", "registrar:gandi"}
    assert {(row.configured, row.trouble) for row in rows[4:]} == {(Configured.NO, SWITCHED_OFF)}
    assert (nl.configured, nl.trouble) == (Configured.NO, FORBIDDEN)


def test_an_availability_service_of_the_operators_own_is_one_row_for_all_its_suffixes() -> None:
    """It takes the place of the built-in one."""
    directory = Directory(own_das={"uk": "10.0.0.1:4343", "co.uk": "10.0.0.1:4343"})
    rows = [row for row in rows_of(directory=directory, absent=True) if row.method == "das"]

    assert (rows[0].server, rows[0].suffixes, rows[0].configured) == ("10.0.0.1:4343", ("uk", "co.uk"), Configured.YES)
    assert rows[0].entitled is Entitled.UNKNOWN
    assert rows[0].budget.rate == limit_for("das", "10.0.0.1", {}).rate
    assert not [row for row in rows[1:] if "uk" in row.suffixes]


class Enabled(Directory):
    """A directory in which the built-in services of these suffixes are used."""

    suffixes: tuple[str, ...] = ()

    def das_server(self, suffix: str) -> str | None:
        """The operator's own, or the built-in one."""
        return super().das_server(suffix) or ("built.in:1" if suffix in self.suffixes else None)


def test_a_built_in_service_in_use_shows_what_it_is_used_for() -> None:
    """Those of its suffixes for which it may be asked and that the operator sends nowhere else."""
    wide = next(row for row in SERVERS if len(row.suffixes) > 2 and not row.certain)
    directory = Enabled(own_das={wide.suffixes[0]: "10.0.0.1:43"})
    directory.suffixes = wide.suffixes
    rows = [row for row in rows_of(directory=directory, absent=True) if set(row.suffixes) & set(wide.suffixes)]

    assert [(row.server, row.suffixes, row.configured) for row in rows] == [
        ("10.0.0.1:43", wide.suffixes[:1], Configured.YES),
        (f"{wide.host}:{wide.port}", wide.suffixes[1:], Configured.YES),
    ]
    assert rows[1].terms == "open to all"


def test_a_service_for_members_is_in_doubt_until_it_answers() -> None:
    """With its own word where it refuses us."""
    place = f"{UK.host}:{UK.port}"
    directory = Directory(own_das={"uk": place})
    operator = limit_for("das", UK.host, {}).operator
    row = {
        "operator": operator,
        "egress": "x",
        "rate": 1.0,
        "tokens": 1.0,
        "blocked_until": None,
        "reason": "",
        "used_today": 0,
    }
    states = (
        SourceState(NOW),
        SourceState(NOW, proved={ChannelKey("das", UK.host, "uk"): NOW - 2}),
        SourceState(NOW, budgets=[{**row, "complaint": "forbidden: no member"}]),
    )
    found = [next(row for row in rows_of(state, directory=directory) if row.server == place) for state in states]

    assert [row.entitled for row in found] == [Entitled.UNKNOWN, Entitled.YES, Entitled.NO]
    assert "members of the registry only" in found[0].entitled_reason
    assert [row.entitled_reason for row in found[1:]] == ["", "no member"]
    assert {row.terms for row in found} == {"members of the registry only"}


def test_each_epp_account_is_a_source() -> None:
    """Without one there is a row that says what is needed, where it is wished."""
    row = find(rows_of(sources=(GANDI, EPP), absent=True), "epp")
    assert (row.server, row.suffixes, row.configured) == ("epp.nic.example:700", ("uk", "co.uk"), Configured.YES)
    assert row.budget.rate == limit_for("epp", "epp.nic.example", {}).rate

    lacking = find(rows_of(absent=True), "epp")
    assert (lacking.configured, lacking.missing) == (Configured.NO, (EPP_SETTING,))
    assert not [row for row in rows_of() if row.method == "epp"]


def test_an_epp_test_system_proves_nothing() -> None:
    """As a registrar's sandbox does not."""
    row = find(rows_of(sources=(Source(method="epp", url="ote.example:700", proof=False),)), "epp")

    assert (row.configured, row.proves.startswith("nothing")) == (Configured.SANDBOX, True)


def test_the_number_of_rows_is_bounded() -> None:
    """However many accounts there are."""
    many = tuple(Source(method="epp", url=f"epp{number}.example:700") for number in range(500))

    assert len(rows_of(sources=many)) == source_report.MOST_SOURCES


# -- in the status -------------------------------------------------------------------------------------------------------


def with_sources() -> Policy:
    """The settings of an instance with a registrar and an EPP account."""
    return dataclasses.replace(policy_of(limits={}), sources=(GANDI, EPP))


def test_the_status_shows_a_refused_registrar_with_reason_and_next_try() -> None:
    """From the rooms: the budget that the refusal shut, and what else is configured."""
    policy = with_sources()
    rooms = new_rooms(policy)
    refused = Observation("registrar:gandi", unknown_reading("registrar_refused", "it refuses our key (HTTP 401)"), status=401)
    rooms.rate_limits.budgets.note_answer(limit_for("registrar", "gandi", {}), "default", refused, NOW - 60)
    rooms.channels.healths.note_outcome(ChannelKey("whois", "whois.com.test", "com"), Outcome.REGISTERED, "", NOW - 7)
    rooms.trust.row_of(ChannelKey("epp", "epp.nic.example", "uk")).quarantined_until = NOW + 5
    shown = {row["method"]: row for row in Status(rooms, policy).build_status(NOW)["sources"]}

    json.dumps(shown)
    gandi = shown["registrar:gandi"]
    said = "it refuses our key (HTTP 401), next try in 14 min, or at once after POST /budgets/registrar/gandi/reset"
    assert (gandi["entitled"], gandi["trouble"]) == ("no", said)
    assert gandi["budget"]["blocked_until"] == NOW + 840
    assert shown["whois"]["last_success"] == NOW - 7
    assert shown["epp"]["trust"]["state"] == "quarantined"
    assert "secret-path" not in json.dumps(shown)
    assert "word" not in json.dumps(gandi)


def test_the_status_does_not_know_whether_a_source_serves_us_until_it_answered_in_this_run() -> None:
    """Nor after a reset of its budget. What is open to all serves us anyway, and has nothing to explain."""
    rooms, key = new_rooms(with_sources()), ChannelKey("registrar:gandi", "api.gandi.net", "com")

    def entitled(at: float) -> dict[str, tuple[str, str]]:
        rows = Status(rooms, with_sources()).build_status(at)["sources"]
        return {row["method"]: (row["entitled"], row["entitled_reason"]) for row in rows}

    rooms.trust.row_of(key).registered_ok = NOW - 1
    rooms.channels.healths.note_outcome(ChannelKey("whois", "whois.com.test", "com"), Outcome.REGISTERED, "", NOW - 7)
    assert entitled(NOW)["registrar:gandi"][0] == "unknown"
    assert entitled(NOW)["whois"] == ("yes", "")
    rooms.trust.row_of(key).registered_ok = NOW + 1
    assert entitled(NOW + 2)["registrar:gandi"] == ("yes", "")

    budgets = rooms.rate_limits.budgets
    budgets.take_token(limit_for("registrar", "gandi", {}), "default", NOW)
    budgets.reset_operator("registrar/gandi", NOW + 3)
    assert entitled(NOW + 4)["registrar:gandi"] == ("unknown", "not asked yet since the start, or since its budget was reset")
    rooms.trust.row_of(key).registered_ok = NOW + 5
    assert entitled(NOW + 6)["registrar:gandi"] == ("yes", "")
