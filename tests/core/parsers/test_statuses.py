"""Status words: one spelling for all servers, and the phase that they mean together."""

import pytest

from common.core.model.evidence import Phase
from common.core.parsers.statuses import normalise_status, phase_of


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("clientTransferProhibited", "client transfer prohibited"),
        ("clientHold https://icann.org/epp#clientHold", "client hold"),
        ("serverHold (http://www.icann.org/epp#serverHold)", "server hold"),
        ("ok", "active"),
        ("OK", "active"),
        ("linked", "associated"),
        ("autoRenewPeriod", "auto renew period"),
        ("PENDING_DELETE", "pending delete"),
        ("redemption-period", "redemption period"),
        ("clienttransferprohibited", "client transfer prohibited"),
        ("transfer hold", "transfer period"),
        ("pendingDeleteRestorable", "redemption period"),
        ("  Server   Hold ", "server hold"),
        ("In Quarantine", "in quarantine"),
        ("", ""),
    ],
)
def test_every_spelling_becomes_the_rdap_word(word, expected):
    """EPP words, shouting, hyphens and explanations all come out as the spaced lower-case word of RFC 8056."""
    assert normalise_status(word) == expected


def test_an_endless_word_is_cut():
    """A status of a megabyte costs nothing."""
    assert len(normalise_status("a" * 1_000_000)) == 200


@pytest.mark.parametrize(
    ("words", "phase"),
    [
        (["pending delete", "redemption period", "pending restore"], Phase.PENDING_RESTORE),
        (["pendingDelete", "redemptionPeriod"], Phase.REDEMPTION),
        (["pendingDelete", "clientHold"], Phase.PENDING_DELETE),
        (["client hold", "auto renew period"], Phase.UNDELEGATED),
        (["inactive"], Phase.UNDELEGATED),
        (["active", "auto renew period"], Phase.EXPIRED_GRACE),
        (["ok"], Phase.ACTIVE),
        (["pending create"], Phase.ACTIVE),
        (["locked"], Phase.ACTIVE),
        (["something new"], None),
        (["reserved"], None),
        ([], None),
    ],
)
def test_the_gravest_word_decides_the_phase(words, phase):
    """Several words stand together; the one nearest to the end of a registration wins."""
    assert phase_of(words) is phase
