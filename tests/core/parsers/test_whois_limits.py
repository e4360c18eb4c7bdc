"""WHOIS answers that limit us, in whatever words, and sentences with the same words that do not."""

import pytest

from common.core.model.evidence import Outcome, Reading
from common.core.parsers import limiting
from common.core.parsers.whois import parse_whois_answer

COMPLAINTS = (
    "Your request could not be performed - lookup quota exceeded.", "Client Address Has Reached Rate Limit",
    "the query is too fast, please slow down", "Look up queries from your subnet are blocked. Write to support.",
    "You exceeded the maximum permitted number of whois queries.", "% Access from your address is limited, try later",
    "The lookup frequency too fast, please ask later", "Maximum daily connection limit reached", "Daily quota reached",
    "exceeded allowed connection rate", "You've hit your query limit", "Queries too frequent, please retry in 60 seconds",
    "You are being rate limited", "Query rate too high", "Over quota", "Throttled", "HTTP 429", "temporarily banned",
    "IP address 192.0.2.1 has been blocked", "Requests from your address are being throttled", "This IP has been blacklisted",
    "You have been blocked for 10 minutes", "Too many connection attempts. Please try again in a few seconds.",
    "Not authorised to use this service", "IP not in whitelist", "Please wait a moment before sending another query",
    "Sorry, you have used up your daily quota of lookups", "Trop de requêtes, veuillez réessayer plus tard",
    "Limite de consultas excedido", "Zu viele Anfragen", "Te veel verzoeken", "Příliš mnoho dotazů", "Zbyt wiele zapytań",
    "Слишком много запросов", "查询过于频繁", "アクセス制限中です", "조회 횟수를 초과하였습니다",
)  # fmt: skip


def ask(text: str, server: str = "whois.nic.xyz") -> Reading:
    """The reading of an answer to a live query about blueheron.xyz."""
    return parse_whois_answer(text, "blueheron.xyz", server, strict=True)


@pytest.mark.parametrize("line", COMPLAINTS)
def test_a_limit_is_read_in_any_words_and_before_a_free_line(line: str) -> None:
    """Alone, above and below a free line, as a comment, in capitals and with double blanks."""
    forms = (line, f"% {line}", line.upper(), line.replace(" ", "  "))
    for form in forms:
        for text in (f"{form}\n", f"{form}\nDOMAIN NOT FOUND\n", f"DOMAIN NOT FOUND\n\n{form}\n"):
            assert ask(text).outcome is Outcome.THROTTLED, text


@pytest.mark.parametrize(
    "line",
    [
        "Clients that exceed the limit will be blocked", "You agree not to exceed the query limit of this service",
        "If you exceed the quota your address may be blocked", "Users who send too many requests are blacklisted",
        "Queries are limited to ten per minute", "We reserve the right to limit the number of queries",
        "The maximum length of a label is exceeded", "This name is blocked", "Your domain is blocked",
        "Access to data is restricted",
    ],
)  # fmt: skip
def test_a_rule_for_all_clients_is_no_rate_limit(line: str) -> None:
    """What may happen, to other clients, or to a name, is not said of this query."""
    assert not limiting.reports_rate_limit(line.lower())
    assert ask(f"{line}\n").outcome is not Outcome.THROTTLED


def test_try_again_later_is_a_rate_limit_only_where_nothing_is_broken() -> None:
    """A server that is down asks for the same."""
    assert ask("Please try again in a while, and not before an hour\nNo match for blueheron.xyz\n").outcome is Outcome.THROTTLED
    assert ask("The database is currently down. Please retry later.\n").outcome is Outcome.UNKNOWN
    assert ask("Sorry, the Whois database is currently down\nPlease come back later\n").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("meters", "outcome"),
    [
        ("RL Net [##########] - RL IP [#########.]", Outcome.UNREGISTERED),
        ("RL Net [#########.] - RL IP [####......]", Outcome.UNREGISTERED),
        ("RL Net [##########] - RL IP [..........]", Outcome.THROTTLED),
        ("RL Net [..........] - RL IP [#########.]", Outcome.THROTTLED),
        ("RL Net [##########] - RL IP [##########]", Outcome.THROTTLED),
        ("RL Net [##########]", Outcome.THROTTLED),
    ],
)
def test_a_meter_without_anything_left_is_a_limit(meters: str, outcome: Outcome) -> None:
    """AFNIC ends a rate limited answer with its free line, and shows in a meter why."""
    text = f"%%\n%% [192.0.2.7 REQUEST] >> blueheron.fr\n%%\n%% {meters}\n%%\n\n%% No entries found in the AFNIC Database.\n"

    assert parse_whois_answer(text, "blueheron.fr", "whois.nic.fr", strict=True).outcome is outcome


def test_the_time_to_wait_is_read_from_any_wording() -> None:
    """Seconds and minutes, wherever they stand in the line."""
    assert ask("Queries too frequent, please retry in 60 seconds\n").retry_after == 60.0
    assert ask("You have been blocked for 10 minutes\n").retry_after == 600.0
