"""Each process holds only the secrets it needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from common import config, roles
from common.config import TABLE, load
from tests.test_config import KEY, WHSEC

SECRETS = {
    "API_AUTH_TOKEN": "token-aaaa",
    "CALLBACK_SECRET": WHSEC,
    "CONTROL_TOKEN": "token-bbbb",
    "SENTRY_DSN": "https://key@sentry.example/1",
    "BUS_SECRET_KEY": KEY,
    "DOMAIN_API_URL": "https://api.example/list",
    "API_CALLBACK_URL": "https://hooks.example/T0/B0/xyz",
    "EPP_ACCOUNTS": '[{"suffixes": ["uk"], "host": "epp.example", "user": "u", "password": "password-cccc"}]',
}


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("coordinator", set(SECRETS) - {"CALLBACK_SECRET", "CONTROL_TOKEN"}),
        ("list-reader", {"API_AUTH_TOKEN", "DOMAIN_API_URL"}),
        ("bootstrap-reader", set()),
        ("checker", {"SENTRY_DSN", "BUS_SECRET_KEY", "EPP_ACCOUNTS"}),
        ("notifier", {"API_AUTH_TOKEN", "CALLBACK_SECRET", "SENTRY_DSN", "BUS_SECRET_KEY", "API_CALLBACK_URL"}),
        ("control", {"CONTROL_TOKEN", "SENTRY_DSN", "BUS_SECRET_KEY", "DOMAIN_API_URL", "API_CALLBACK_URL"}),
        ("watchdog", set()),
        ("feed", {"SENTRY_DSN", "BUS_SECRET_KEY"}),
        ("proxy", set()),
        ("publications", {"SENTRY_DSN", "BUS_SECRET_KEY"}),
    ],
)
def test_each_process_keeps_only_the_secrets_it_needs(role: str, seen: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And knows of the others that they are set, so that nothing is called missing that is merely kept from it."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    config.forget(role)

    settings = load()
    assert {name for name in SECRETS if name in os.environ} == seen
    assert {name for name in SECRETS if getattr(settings, name.lower())} == seen
    assert all(settings.has(name) for name in SECRETS)
    assert not load({}).has("API_AUTH_TOKEN")


def test_every_secret_names_its_processes() -> None:
    """A new secret is not handed to every process by oversight."""
    assert [name for name, setting in TABLE.items() if setting.secret and not setting.roles] == []
    assert {role for setting in TABLE.values() for role in setting.roles} <= set(roles.ROLES)


def test_a_secret_in_a_file_is_kept_from_others_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the text nor the path of its file."""
    (tmp_path / "secret").write_text(WHSEC, encoding="utf-8")
    monkeypatch.setenv("CALLBACK_SECRET_FILE", str(tmp_path / "secret"))
    config.forget("control")

    assert "CALLBACK_SECRET_FILE" not in os.environ
    assert load().has("CALLBACK_SECRET")
    assert load().callback_secret == ()
