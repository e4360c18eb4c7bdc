"""WHOIS answers about another name than ours, whatever else they say."""

import pytest

from common.core.model.evidence import Outcome
from common.core.parsers.whois import parse_whois_answer

FREE = (
    'No match for "otherheron.co.uk".\n\n    This domain name has not been registered.\n',
    "Domain otherheron.co.uk not found\nNo match\n",
    "No match\nNo entries found for otherheron.co.uk\n",
    "%% [192.0.2.7 REQUEST] >> otherheron.co.uk\n%%\n\n%% No entries found in the database.\n",
    "%% [192.0.2.7 REQUEST] >> -V Md5.2 otherheron.co.uk\n\nNot found\n",
    "% Information related to 'otherheron.co.uk'\n\n%ERROR:101: no entries found\n",
    "% WHOIS otherheron.co.uk\n% No such domain\n",
    "query : otherheron.co.uk\n\nThe requested domain was not found\n",
    "Searching for otherheron.co.uk.\nNo match\n",
    "Domain: otherheron.co.uk\nStatus: free\n",
    "Query: \u201cOTHERHERON.CO.UK\u201d\nNot found\n",
)


@pytest.mark.parametrize("text", FREE)
def test_a_free_answer_about_another_name_proves_nothing(text: str) -> None:
    """Its free line names it, or the query as the server repeats it does; a second line without a name changes nothing."""
    reading = parse_whois_answer(text, "blueheron.co.uk", "whois.nic.uk", strict=True)

    assert (reading.outcome, reading.finding) == (Outcome.UNKNOWN, "whois_wrong_name")


@pytest.mark.parametrize("text", FREE)
def test_the_same_answer_about_the_name_asked_for_counts(text: str) -> None:
    """In any case of letters."""
    for name in ("blueheron.co.uk", "BLUEHERON.CO.UK"):
        answer = text.replace("otherheron.co.uk", name).replace("OTHERHERON.CO.UK", name)
        assert parse_whois_answer(answer, "blueheron.co.uk", "whois.nic.uk", strict=True).outcome is Outcome.UNREGISTERED


@pytest.mark.parametrize(
    "line",
    [
        "This is the whois server of whois.nic.uk", "Visit www.nic.uk for more",
        "% Information related to the zone", "Search for names at https://nic.uk/search", "Results for you",
    ],
)  # fmt: skip
def test_addresses_of_the_registry_are_no_other_name(line: str) -> None:
    """A host that is merely mentioned does not make an answer one about it."""
    assert (
        parse_whois_answer(f"{line}\nNo match\n", "blueheron.uk", "whois.nic.uk", strict=True).outcome is Outcome.UNREGISTERED
    )
