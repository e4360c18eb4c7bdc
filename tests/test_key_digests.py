"""A digest tells a corrected key from the one before, and tells nothing else."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from actors.cli import supervise
from actors.cli.main import _settings as settings_of_role
from actors.cli.main import build_parser
from common import config
from common.config import KEY_DIGESTS, load
from common.key_digests import SALT_FILE, SALT_SIZE, digest_credentials, hand_down_digests, read_salt
from common.sources import find_sources

KEYS = {"CLOUDFLARE_ACCOUNT_ID": "account-1", "CLOUDFLARE_API_TOKEN": "planted-token-1", "GANDI_TOKEN": "planted-token-2"}
ACCOUNT = {"suffixes": ["uk"], "host": "epp.example", "user": "u", "password": "planted-password"}


def digests(directory: Path, **environ: str) -> dict[str, str]:
    """The digests of these settings."""
    return digest_credentials(load({"STATE_DIR": str(directory), **environ}))


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing was handed down, also afterwards."""
    monkeypatch.setenv(KEY_DIGESTS, "")
    monkeypatch.setenv(config.WITHHELD, "")
    return monkeypatch


def test_a_digest_changes_with_the_key_of_its_source_alone(tmp_path: Path) -> None:
    """And stays over restarts."""
    before = digests(tmp_path, **KEYS)
    assert before.keys() == {"registrar:cloudflare", "registrar:gandi"}
    assert digests(tmp_path, **KEYS) == before
    after = digests(tmp_path, **{**KEYS, "GANDI_TOKEN": "planted-token-3"})
    assert after["registrar:gandi"] != before["registrar:gandi"]
    assert after["registrar:cloudflare"] == before["registrar:cloudflare"]

    assert digests(tmp_path, **KEYS, REGISTRAR_SANDBOX="gandi")["registrar:gandi"] != before["registrar:gandi"]
    assert digests(tmp_path, CLOUDFLARE_API_TOKEN="alone") == {}


def test_optional_settings_are_part_of_the_credentials(tmp_path: Path) -> None:
    """The shared secret of a second factor is as good a reason for a refusal."""
    inwx = {"INWX_USERNAME": "me", "INWX_PASSWORD": "planted-word"}

    assert digests(tmp_path, **inwx) != digests(tmp_path, **inwx, INWX_SHARED_SECRET="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")


@pytest.mark.parametrize("change", [{"user": "v"}, {"password": "planted-passwort"}, {"certificate": "NEW"}, {"key": "NEW"}])
def test_an_epp_account_changes_with_user_password_and_the_content_of_its_files(tmp_path: Path, change: dict[str, str]) -> None:
    """A certificate is renewed under its old path."""

    def digest(account: dict[str, object]) -> dict[str, str]:
        files = {}
        for name in ("certificate", "key"):
            files[name] = str(tmp_path / name)
            (tmp_path / name).write_text(str(account.get(name, "OLD")), encoding="utf-8")
        return digests(tmp_path, EPP_ACCOUNTS=json.dumps([{**account, **files}]))

    before = digest(ACCOUNT)
    assert before.keys() == {"epp.example:700"}
    assert digest(ACCOUNT) == before
    assert digest({**ACCOUNT, **change}) != before


def test_the_accounts_of_one_server_are_told_together(tmp_path: Path) -> None:
    """One of them alone may be wrong."""
    other = {**ACCOUNT, "suffixes": ["co.uk"], "user": "v"}
    both = digests(tmp_path, EPP_ACCOUNTS=json.dumps([ACCOUNT, other]))
    changed = digests(tmp_path, EPP_ACCOUNTS=json.dumps([ACCOUNT, {**other, "password": "planted-other"}]))

    assert both.keys() == changed.keys() == {"epp.example:700"}
    assert both != changed


def test_the_salt_is_random_private_and_kept(tmp_path: Path) -> None:
    """Another state has other digests of the same key; a damaged salt is replaced."""
    here, there = tmp_path / "here", tmp_path / "there"
    assert digests(here, **KEYS) != digests(there, **KEYS)
    assert read_salt(here) == (here / SALT_FILE).read_bytes() != read_salt(there)
    assert stat.S_IMODE((here / SALT_FILE).stat().st_mode) == 0o600

    (here / SALT_FILE).write_bytes(b"short")
    assert len(read_salt(here)) == SALT_SIZE
    assert (here / SALT_FILE).read_bytes() == read_salt(here)


def test_no_salt_is_made_where_nothing_needs_one(tmp_path: Path) -> None:
    """Without registrars and accounts."""
    assert digests(tmp_path) == {}
    assert not (tmp_path / SALT_FILE).exists()


def test_digests_reach_the_sources_of_the_coordinator_and_no_other_process(tmp_path: Path, clean: pytest.MonkeyPatch) -> None:
    """Which has no key: neither keys nor their parts are in what it is told."""
    for name, value in {"STATE_DIR": str(tmp_path), **KEYS, "EPP_ACCOUNTS": json.dumps([ACCOUNT])}.items():
        clean.setenv(name, value)
    hand_down_digests(load())
    told = os.environ[KEY_DIGESTS]
    assert "planted" not in told
    assert config.restrictions("coordinator")[KEY_DIGESTS] == told
    assert [config.restrictions(role)[KEY_DIGESTS] for role in ("checker", "control", "list-reader", "feed")] == [""] * 4
    assert f'{KEY_DIGESTS}="{told}"' in supervise.build_environment(load())["FOR_COORDINATOR"]

    config.forget("coordinator")
    settings = load()
    assert settings.cloudflare_api_token is None
    assert told not in repr(settings)
    found = {source.method: source.credentials for source in find_sources(settings)}
    wanted = digests(tmp_path, **KEYS, EPP_ACCOUNTS=json.dumps([ACCOUNT]))
    assert found == {
        "epp": wanted["epp.example:700"],
        "registrar:cloudflare": wanted["registrar:cloudflare"],
        "registrar:gandi": wanted["registrar:gandi"],
    }
    hand_down_digests(load({"STATE_DIR": str(tmp_path)}))
    assert os.environ[KEY_DIGESTS] == told


def test_a_coordinator_that_is_started_by_hand_makes_the_digests_itself(tmp_path: Path, clean: pytest.MonkeyPatch) -> None:
    """Before it drops the keys."""
    for name, value in {"STATE_DIR": str(tmp_path), **KEYS}.items():
        clean.setenv(name, value)
    settings = settings_of_role(build_parser().parse_args(["coordinator"]), "coordinator")

    assert settings.gandi_token is None
    assert settings.key_digests == digests(tmp_path, **KEYS)


@pytest.mark.usefixtures("clean")
def test_where_no_salt_can_be_kept_there_are_no_digests(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing fails for it, and the log says what is lost."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    hand_down_digests(load({"STATE_DIR": str(tmp_path / "file"), **KEYS}))

    assert not os.environ[KEY_DIGESTS]
    assert "credentials_salt_missing" in "".join(capfd.readouterr())
    assert [source.credentials for source in find_sources(load({"STATE_DIR": str(tmp_path), **KEYS}))] == ["", ""]
