"""The env file means to us what it means to docker compose, and the environment wins over it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import config, dotenv
from common.config import load
from common.errors import ConfigError

#: Texts of env files and what docker compose 2.26.1 made of each, None where it refused it: `docker compose config` of a
#: service with that `env_file`, HOME_VAR=shell in the environment, "$$" in its output read as "$". One case is ours: a line
#: without a name, which compose takes and no environment can hold.
CASES: dict[str, Any] = json.loads(Path(__file__).with_name("dotenv_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_it_reads_what_compose_reads(name: str) -> None:
    """Quotes, escapes, comments, references with defaults, several lines: case by case as recorded from compose."""
    text, found = CASES[name]["text"], CASES[name]["found"]
    if found is None:
        with pytest.raises(ValueError, match=r"^line \d+: "):
            dotenv.parse_dotenv(text, {"HOME_VAR": "shell"})
    else:
        assert dotenv.parse_dotenv(text, {"HOME_VAR": "shell"}) == found


@given(st.text(alphabet="AB=:'\"\\ ${}-?+#\nx\t\u00a0", max_size=60))
def test_any_text_is_variables_or_a_line_that_is_wrong(text: str) -> None:
    """Nothing else is raised, and no value is quoted: it may be a secret."""
    found: dict[str, str] = {}
    wrong = ""
    try:
        found = dotenv.parse_dotenv(text, {})
    except ValueError as error:
        wrong = str(error)

    assert not wrong or wrong.startswith("line ")
    assert all(name and not any(mark.isspace() for mark in name) for name in found)


def test_a_wrong_line_is_named_without_its_value() -> None:
    """The report goes to a log."""
    with pytest.raises(ValueError, match=r"^line 3: ") as caught:
        dotenv.parse_dotenv("A=1\n\nTOKEN='hunter22\n", {})
    assert "hunter22" not in str(caught.value)


def test_defaults_inside_of_defaults_are_bounded() -> None:
    """A file of braces is refused before it is too deep for the interpreter."""
    with pytest.raises(ValueError, match="too deep"):
        dotenv.parse_dotenv("A=" + "${X:-" * 5000 + "}" * 5000, {})


# -- taking it over ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, where nothing says which env file to read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    os.environ.pop(config.ENV_FILE, None)
    return tmp_path


def test_the_environment_wins_over_the_env_file(folder: Path) -> None:
    """A variable of the shell is nearer to the user than a file, also where the two give a secret in two ways."""
    (folder / ".env").write_text("EGRESS_ID=file\nNOTIFIERS=2\nCONTROL_TOKEN=from-the-file\n", encoding="utf-8")
    (folder / "token").write_text("from-the-shell", encoding="utf-8")
    os.environ.update({"EGRESS_ID": "shell", "CONTROL_TOKEN_FILE": "token"})
    config.adopt()

    settings = load()
    assert (settings.egress_id, settings.notifiers, settings.control_token) == ("shell", 2, "from-the-shell")


def test_children_do_not_read_it_again(folder: Path) -> None:
    """They have it from us; a process that keeps a secret from its child would hand it over otherwise."""
    (folder / ".env").write_text("EGRESS_ID=file\n", encoding="utf-8")
    config.adopt()
    del os.environ["EGRESS_ID"]
    config.adopt()

    assert load().egress_id == "default"


def test_another_file_can_be_named(folder: Path) -> None:
    """By an argument, else by the environment; the empty name is none, and a named one that is missing is a problem."""
    (folder / ".env").write_text("EGRESS_ID=dot-env\n", encoding="utf-8")
    (folder / "other").write_text("EGRESS_ID=other\n", encoding="utf-8")
    for argument, variable, expected in (
        (None, None, "dot-env"),
        (None, "other", "other"),
        ("other", "", "other"),
        (None, "", "default"),
    ):
        os.environ.pop("EGRESS_ID", None)
        os.environ.pop(config.ENV_FILE, None)
        os.environ.update({config.ENV_FILE: variable} if variable is not None else {})
        config.adopt(argument)
        assert load().egress_id == expected
    with pytest.raises(ConfigError, match="missing: cannot be read"):
        config.adopt("missing")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("CHEK_INTERVAL=60", "CHEK_INTERVAL is no setting: did you mean CHECK_INTERVAL?"),
        ("CALLBACK_URL=https://x.example/", "did you mean API_CALLBACK_URL?"),
        ("check_interval=60", "did you mean CHECK_INTERVAL?"),
        ("DOMAIN_API_URL_FILE=/x", "DOMAIN_API_URL is no secret"),
        ("nonsense line", "line 1: must be NAME=value"),
        ('A="\\000"', "zero byte"),
    ],
)
def test_a_name_that_was_meant_to_be_a_setting_is_an_error(folder: Path, line: str, words: str) -> None:
    """The file is ours alone, so a name that is only like a setting's is a mistake."""
    (folder / ".env").write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.adopt()
    assert words in caught.value.problems[0]
    assert caught.value.problems[0].startswith(".env")


def test_what_compose_reads_there_is_no_error(folder: Path) -> None:
    """It is named to the caller, and handed on: it may be meant for a library."""
    (folder / ".env").write_text("COMPOSE_PROJECT_NAME=dm\nFEED_PORT=5561\nTZ=UTC\n", encoding="utf-8")

    assert config.adopt() == ["COMPOSE_PROJECT_NAME", "FEED_PORT", "TZ"]
    assert os.environ["TZ"] == "UTC"
