"""EPP_ACCOUNTS: accounts, or a sentence that names the entry and never its text."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.config import TABLE, load
from common.epp_accounts import EppAccount, parse_epp_accounts
from common.errors import ConfigError

PLAIN = {"suffixes": ["example"], "host": "epp.example", "user": "client-1", "password": "hunter22!"}


def parse(*entries: object) -> tuple[EppAccount, ...]:
    """The accounts of these entries."""
    return parse_epp_accounts(json.dumps(entries))


def changed(**values: object) -> dict[str, object]:
    """A good entry with other values."""
    return PLAIN | values


def test_an_account_has_defaults_for_what_it_does_not_say() -> None:
    """One session, twenty names a check, a check a second, the port of the RFC."""
    assert parse(PLAIN) == (EppAccount(suffixes=("example",), host="epp.example:700", user="client-1", password="hunter22!"),)
    assert (parse(PLAIN)[0].sessions, parse(PLAIN)[0].batch, parse(PLAIN)[0].rate) == (1, 20, 1.0)


def test_an_account_says_everything() -> None:
    """Suffixes are lower case, without the leading dot."""
    more = {"certificate": "/c.pem", "key": "/k.pem", "sessions": 3, "batch": 50, "rate": 0.5}
    (found,) = parse(changed(suffixes=["UK", ".co.uk", "RECHT"], host="[::1]:7000", **more))

    assert found.suffixes == ("uk", "co.uk", "recht")
    assert (found.host, found.certificate, found.key) == ("[::1]:7000", Path("/c.pem"), Path("/k.pem"))
    assert (found.sessions, found.batch, found.rate) == (3, 50, 0.5)


def test_no_text_is_no_account() -> None:
    """The default of the setting."""
    assert parse_epp_accounts("") == ()
    assert parse_epp_accounts("[]") == ()


def test_an_address_without_a_port_gets_the_usual_one() -> None:
    """IPv6 in brackets, so that host and port can be split again."""
    assert parse(changed(host="::1"))[0].host == "[::1]:700"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (5, "must be an object"),
        (changed(passwort="x"), "knows only"),
        (changed(key="/k"), "key needs certificate"),
        (changed(suffixes=[]), "suffixes must be"),
        (changed(suffixes="uk"), "suffixes must be"),
        (changed(suffixes=[5]), "suffixes must be"),
        (changed(suffixes=["a b"]), "suffixes must be"),
        (changed(suffixes=[""]), "suffixes must be"),
        (changed(suffixes=["рф"]), "suffixes must be"),
        (changed(suffixes=["-uk"]), "suffixes must be"),
        (changed(suffixes=["x" * 64]), "suffixes must be"),
        (changed(suffixes=["x"] * 2001), "suffixes must be"),
        (changed(host=""), "host must be"),
        (changed(host=None), "host must be"),
        (changed(host="a:b"), "host must be"),
        (changed(host="a:70000"), "host must be"),
        (changed(user=""), "user must be"),
        (changed(user=5), "user must be"),
        (changed(password=None), "password must be"),
        (changed(password="x" * 256), "password must be"),
        (changed(password="secret\nline"), "password must be"),
        (changed(certificate=""), "certificate must be"),
        (changed(certificate="/c", key=1), "key must be"),
        (changed(sessions=0), "sessions must be"),
        (changed(sessions=11), "sessions must be"),
        (changed(sessions=True), "sessions must be"),
        (changed(sessions=1.5), "sessions must be"),
        (changed(batch=51), "batch must be"),
        (changed(batch="20"), "batch must be"),
        (changed(rate=0), "rate must be"),
        (changed(rate=101), "rate must be"),
        (changed(rate="1"), "rate must be"),
        (changed(rate=True), "rate must be"),
    ],
)
def test_a_wrong_entry_is_named_by_its_number(entry: object, words: str) -> None:
    """The sentence says what is expected, and repeats nothing of the entry."""
    with pytest.raises(ValueError, match=f"^must be .*entry 2: .*{words}") as caught:
        parse(PLAIN, entry)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "5",
        "hunter22",
        '[{"password": "hunter22"',
        '[{"user": "a", "user": "hunter22"}]',
        "[" * 100,
        f"[{101 * '0,'}0]",
    ],
)
def test_what_is_no_list_of_accounts_is_refused(text: str) -> None:
    """Neither the text nor a part of it is shown."""
    with pytest.raises(ValueError, match=r"^must be a JSON list") as caught:
        parse_epp_accounts(text)
    assert "hunter22" not in str(caught.value)


def test_every_bound_holds_to_the_last_unit() -> None:
    """What just fits is taken, one more or less is not."""
    many = [changed(suffixes=[f"x{number}"]) for number in range(101)]

    assert len(parse(*many[:100])) == 100
    with pytest.raises(ValueError, match="at most 100 accounts"):
        parse(*many)
    fits = {"password": "123456", "user": "u" * 255, "sessions": 10, "batch": 1, "rate": 100}
    assert parse(changed(**fits))[0].password == "123456"
    assert len(parse(changed(suffixes=[f"x{number}" for number in range(2000)]))[0].suffixes) == 2000
    assert parse(changed(suffixes=["a.b.c.d"]))[0].suffixes == ("a.b.c.d",)
    assert parse(changed(user="u"))[0].user == "u"
    for wrong in ({"password": "12345"}, {"user": "u" * 256}, {"sessions": -1}, {"batch": 0}, {"suffixes": ["a.b.c.d.e"]}):
        with pytest.raises(ValueError, match="entry 1"):
            parse(changed(**wrong))


def test_a_suffix_belongs_to_one_account() -> None:
    """Otherwise nothing says which of them is asked."""
    with pytest.raises(ValueError, match="two places"):
        parse(PLAIN, changed(suffixes=["EXAMPLE"]))
    with pytest.raises(ValueError, match="two places"):
        parse(changed(suffixes=["uk", "uk"]))


def test_no_representation_shows_the_password() -> None:
    """Neither of the account nor of the settings, and the scrubber knows it."""
    settings = load({"EPP_ACCOUNTS": json.dumps([PLAIN])})

    assert settings.epp_accounts == parse(PLAIN)
    assert "hunter22" not in repr(settings.epp_accounts) + str(settings.epp_accounts) + repr(settings)
    assert settings.masked()["EPP_ACCOUNTS"] == "***"
    assert "hunter22!" in settings.secrets()


def test_accounts_come_from_a_file_too(tmp_path: Path) -> None:
    """By the convention of every secret; a mistake there names the variable alone."""
    file = tmp_path / "accounts.json"
    file.write_text(json.dumps([PLAIN]), encoding="utf-8")
    assert load({"EPP_ACCOUNTS_FILE": str(file)}).epp_accounts == parse(PLAIN)

    file.write_text("[hunter22]", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load({"EPP_ACCOUNTS_FILE": str(file)})
    assert caught.value.problems[0].startswith("EPP_ACCOUNTS: must be ")
    assert "hunter22" not in str(caught.value)


def test_only_what_asks_or_plans_gets_the_accounts() -> None:
    """A notifier has no use for them."""
    assert TABLE["EPP_ACCOUNTS"].roles == ("coordinator", "checker")


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(PLAIN)), inner),
)


@given(VALUES)
def test_any_json_gives_accounts_or_value_error(value: object) -> None:
    """No other exception leaves the parser."""
    with contextlib.suppress(ValueError):
        parse_epp_accounts(json.dumps(value))
