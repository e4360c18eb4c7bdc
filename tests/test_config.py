"""Settings: one table, every problem at once, no secret shown."""

from __future__ import annotations

import base64
import contextlib
import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.checkers.discovery import POOLS, discover
from common import setting_parsers
from common.config import TABLE, load
from common.core.model.methods import is_registrar
from common.errors import ConfigError
from common.secret_scrubber import Scrubber

ROOT = Path(__file__).resolve().parents[1]
WHSEC = "whsec_" + base64.b64encode(bytes(range(24))).decode()
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"


def problems(environ: dict[str, str]) -> list[str]:
    """What `load` complains about."""
    with pytest.raises(ConfigError) as caught:
        load(environ)
    return caught.value.problems


def test_an_empty_environment_gives_every_default(tmp_path: Path) -> None:
    """Nothing has to be set."""
    settings = load({"STATE_DIR": str(tmp_path)})

    assert settings.check_interval == 3600.0
    assert settings.fast_checkers == 1
    assert settings.domain_list_file == Path("domains.txt")
    assert settings.domain_api_url is None
    assert settings.callback_secret == ()
    assert settings.instance_id
    assert settings.store_path == tmp_path / "domain-monitor.db"
    assert settings.bus_endpoint == f"ipc://{tmp_path}/run/bus"


def test_the_example_file_is_the_table() -> None:
    """`.env.example` has every setting with its meaning and default, in order, and nothing else."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    rows = re.findall(r"^# (.+)\n#([A-Z0-9_]+)=(.*)$", text, re.MULTILINE)

    meanings = {
        name: setting.help + (f" (secret; or {name}_FILE)" if setting.secret else "") for name, setting in TABLE.items()
    }
    assert [(meaning, name) for meaning, name, _ in rows] == [(meanings[name], name) for name in TABLE]
    assert {name: default for _, name, default in rows} == {name: setting.default for name, setting in TABLE.items()}


def test_pools_are_said_to_have_the_methods_they_have() -> None:
    """The text of each setting names every method that is discovered, and none that is not."""
    for pool in POOLS:
        named = TABLE[f"{pool.upper()}_CHECKERS"].help.partition("(")[2].rstrip(")").split(", ")
        found = {"registrars" if is_registrar(method) else method for method in discover(f"actors.checkers.{pool}")}
        assert sorted(named) == sorted(found)


def test_the_example_file_can_be_used_as_it_is() -> None:
    """With every line uncommented the defaults come out."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    environ = dict(line.removeprefix("#").split("=", 1) for line in text.splitlines() if re.match(r"#[A-Z0-9_]+=", line))

    assert load(environ) == load({})


def test_the_empty_text_is_not_set() -> None:
    """A variable that a compose file passes through empty changes nothing."""
    assert load(dict.fromkeys(TABLE, " ")) == load({})


def test_every_problem_is_reported_at_once() -> None:
    """An operator need not start five times to find five mistakes."""
    found = problems(
        {
            "CHECK_INTERVAL": "0",
            "FAST_CHECKERS": "65",
            "CONTROL_PORT": "70000",
            "DOMAIN_API_URL": "ftp://x.example/",
            "ALLOWED_PRIVATE_NETWORKS": "10.0.0.0/8,10.0.0.1/8",
            "DNS_MODE": "magic",
        }
    )

    assert [line.split(":")[0] for line in found] == [
        "DOMAIN_API_URL",
        "FAST_CHECKERS",
        "CHECK_INTERVAL",
        "CONTROL_PORT",
        "DNS_MODE",
        "ALLOWED_PRIVATE_NETWORKS",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CHECK_INTERVAL", "nan"),
        ("CHECK_INTERVAL", "inf"),
        ("CHECK_INTERVAL", "-1"),
        ("CHECK_INTERVAL", "1h"),
        ("NOTIFIERS", "0"),
        ("NOTIFIERS", "1.5"),
        ("NOTIFIERS", "\u0661"),
        ("HTTP_PORT", "0"),
        ("DOMAIN_API_URL", "https://"),
        ("DOMAIN_API_URL", "https://x.example:99999/"),
        ("DOMAIN_API_URL", "https://x.example/a b"),
        ("DOMAIN_API_URL", "//x.example/"),
        ("CALLBACK_SECRET", "secret"),
        ("CALLBACK_SECRET", "whsec_c2hvcnQ="),
        ("CALLBACK_SECRET", "whsec_!!!!"),
        ("CALLBACK_SECRET", f"{WHSEC},secret"),
        ("BUS_CLIENT_KEYS", "abc"),
        ("BUS_ENDPOINT", "udp://127.0.0.1:1"),
        ("BUS_ENDPOINT", "tcp://127.0.0.1"),
        ("BUS_ENDPOINT", "ipc://"),
        ("DNS_RESOLVERS", "resolver.example"),
        ("DNS_RESOLVERS", "127.0.0.1:x"),
        ("DNS_RESOLVERS", "[::1"),
        ("WHOIS_IANA_HOST", "whois iana"),
        ("INSTANCE_ID", "a b"),
        ("EGRESS_ID", "x" * 65),
        ("API_AUTH_TOKEN", "a\nb"),
        ("USER_AGENT_CONTACT", "ops) (x"),
        ("CONTROL_TRUST_GATEWAY", "maybe"),
        ("CONTROL_ALLOWED_HOSTS", "localhost:8000"),
        ("CONTROL_ALLOWED_HOSTS", "http://localhost"),
        ("CONTROL_ALLOWED_HOSTS", "[::1"),
        ("CONTROL_ALLOWED_HOSTS", "[::1]:80"),
        ("CONTROL_ALLOWED_HOSTS", "*"),
        ("WHOIS_SERVERS_FILE", "/no/such/file"),
        ("LOG_FORMAT", "xml"),
        ("STATE_DIR", "~nobody-of-that-name/state"),
        ("STORE_URL", "mysql://x"),
        ("STORE_URL", "sqlite:///"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, text: str) -> None:
    """Whatever is wrong, the sentence starts with the variable."""
    assert problems({name: text})[0].startswith(f"{name}: must be ")


def test_values_come_out_typed() -> None:
    """What is loaded needs no further parsing."""
    settings = load(
        {
            "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8, ::1/128",
            "DNS_RESOLVERS": "127.0.0.1:5300,[::1]:53,::1",
            "CALLBACK_SECRET": f"{WHSEC}, {WHSEC}",
            "CALLBACK_RESULTS": "Changes",
            "LOG_LEVEL": "debug",
            "CONFIRM_GAP": "2.5",
        }
    )

    assert settings.allowed_private_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.dns_resolvers == ("127.0.0.1:5300", "[::1]:53", "::1")
    assert settings.callback_secret == (WHSEC, WHSEC)
    assert settings.callback_results == "changes"
    assert settings.log_level == "DEBUG"
    assert settings.confirm_gap == 2.5


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter%4022@db:5432/monitor",
        "postgres://user:hunter%4022@[2001:db8::1]/monitor?sslmode=verify-full",
        "postgresql://user@a:5432,b:5433/monitor?target_session_attrs=read-write&password=hunter%4022",
        "postgresql://user:hunter%4022@/monitor?host=/var/run/postgresql&options=-csearch_path%3Dwatch",
    ],
)
def test_a_password_of_postgresql_is_never_shown(url: str) -> None:
    """Neither as it is written nor decoded, while the host is."""
    settings = load({"STORE_URL": url})
    shown = f"{settings!r} {settings.masked()} {Scrubber(settings.secrets()).text(f'{url} hunter@22 hunter%4022 db')}"

    assert not settings.store_in_file
    assert "hunter@22" in settings.secrets()
    assert "hunter" not in shown
    assert shown.endswith("db")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter@22@db/x", "postgresql://user:hunter/22@db/x", "postgresql://user:hunter?22@db/x",
        "postgresql://user:hunter#22@db/x", "postgresql://user:hunter 22@db/x", "postgresql://user:hunter%2@db/x",
        "postgresql://user:hunter%0022@db/x", "postgresql://user:hunter22@db", "postgresql://user:hunter22@db/",
        "postgresql://user:hunter22@db:port/x", "postgresql://user:hunter22@db/x?sslmode", "postgresql://" + "h" * 2000 + "/x",
    ],
)  # fmt: skip
def test_a_url_of_postgresql_that_would_be_read_otherwise_is_refused(url: str) -> None:
    """A mark in a password that is not encoded would make a part of it a host, a port or a database, which errors show."""
    (found,) = problems({"STORE_URL": url})

    assert found.startswith("STORE_URL: must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE")
    assert "hunter" not in found


def test_a_bus_on_tcp_needs_keys() -> None:
    """Without CURVE any host could take tasks."""
    assert "BUS_SECRET_KEY" in problems({"BUS_ENDPOINT": "tcp://0.0.0.0:5555"})[0]
    keys = {"BUS_SECRET_KEY": KEY, "BUS_CLIENT_KEYS": KEY}
    assert load({"BUS_ENDPOINT": "tcp://0.0.0.0:5555", **keys}).bus_secret_key == KEY


def test_a_bus_on_tcp_that_lets_no_worker_in_is_refused() -> None:
    """The coordinator's host names the keys it lets in, a host with workers alone the coordinator's; neither is no start."""
    bus = {"BUS_ENDPOINT": "tcp://0.0.0.0:5555", "BUS_SECRET_KEY": KEY}

    [problem] = problems(bus)
    assert problem.startswith("BUS_CLIENT_KEYS: ")
    assert "BUS_SERVER_KEY" in problem
    assert load({**bus, "BUS_CLIENT_KEYS": KEY}).bus_client_keys == (KEY,)
    assert load({**bus, "BUS_SERVER_KEY": KEY}).bus_server_key == KEY
    assert load({**bus, "STORE_URL": "postgresql://db/x"}).bus_client_keys == ()  # other instances have the same key
    assert load({"BUS_SECRET_KEY": KEY}).bus_endpoint.startswith("ipc://")  # all on this host, with its own key


def test_a_checker_on_another_host_says_its_keys_and_where_it_leaves_from() -> None:
    """One sentence for each that is missing; its egress may be any, also "default", but has to be said."""
    elsewhere = {"COORDINATOR": "tcp://monitor.example:5550,tcp://[2001:db8::1]:5550"}
    keys = {"BUS_SECRET_KEY": KEY, "BUS_SERVER_KEY": KEY}

    found = problems(elsewhere)
    assert [problem.partition(":")[0] for problem in found] == ["EGRESS_ID", "BUS_SECRET_KEY", "BUS_SERVER_KEY"]
    assert [problem.partition(":")[0] for problem in problems({**elsewhere, **keys})] == ["EGRESS_ID"]
    settings = load({**elsewhere, **keys, "EGRESS_ID": "default"})
    assert settings.coordinator == ("tcp://monitor.example:5550", "tcp://[2001:db8::1]:5550")
    assert settings.egress_id == load({}).egress_id == "default"


@pytest.mark.parametrize(
    "text", ["monitor.example:5550", "ipc:///x", "tcp://x", "tcp://*:5550", "tcp://0.0.0.0:1", "tcp://x:65534"]
)
def test_a_coordinator_is_an_address_to_connect_to(text: str) -> None:
    """With room for the two ports after it."""
    assert problems({"COORDINATOR": text})[0].startswith("COORDINATOR: must be tcp://HOST:PORT")


def test_settings_that_contradict_each_other_are_refused() -> None:
    """Cross checks name the variable to change."""
    assert problems({"PRIORITY_CHECK_INTERVAL": "7200"})[0].startswith("PRIORITY_CHECK_INTERVAL: ")
    assert problems({"CONFIRM_GAP": "1"})[0].startswith("CONFIRM_GAP_CLOSE: ")
    assert problems({"BUS_ENDPOINT": "tcp://127.0.0.1:65535", "BUS_SECRET_KEY": KEY, "BUS_SERVER_KEY": KEY})[0].startswith(
        "BUS_ENDPOINT: "
    )
    assert problems({"BUS_ENDPOINT": "ipc:///x", "FEED_ENDPOINT": "ipc:///x"})[0].startswith("FEED_ENDPOINT: ")


def test_a_long_state_dir_gets_a_short_socket_path(tmp_path: Path) -> None:
    """Unix sockets have paths of at most 107 bytes, whatever the state is called."""
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    one, other = load({"STATE_DIR": str(deep)}), load({"STATE_DIR": str(deep) + "2"})

    assert len(one.bus_endpoint.removeprefix("ipc://")) < 90
    assert one.bus_endpoint != other.bus_endpoint
    assert one.bus_endpoint == load({"STATE_DIR": str(deep)}).bus_endpoint


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    """Docker and Kubernetes hand secrets over as files."""
    (tmp_path / "token").write_text("from-a-file\n", encoding="utf-8")

    assert load({"API_AUTH_TOKEN_FILE": str(tmp_path / "token")}).api_auth_token == "from-a-file"


def test_a_secret_file_must_be_usable(tmp_path: Path) -> None:
    """A missing, empty, binary or huge file is a problem of its variable, and so are two sources."""
    for name, content in (("empty", b"\n"), ("binary", b"\xff\xfe"), ("huge", b"x" * 70_000)):
        (tmp_path / name).write_bytes(content)
        assert problems({"CONTROL_TOKEN_FILE": str(tmp_path / name)})[0].startswith("CONTROL_TOKEN_FILE: ")
    assert problems({"CONTROL_TOKEN_FILE": str(tmp_path / "missing")})[0].startswith("CONTROL_TOKEN_FILE: ")
    assert "not both" in problems({"CONTROL_TOKEN": "a", "CONTROL_TOKEN_FILE": "b"})[0]


def test_no_secret_is_ever_shown() -> None:
    """Neither `repr` nor `masked` has a secret, and `secrets` has all of them."""
    environ = {
        "API_AUTH_TOKEN": "token-aaaa",
        "CALLBACK_SECRET": WHSEC,
        "CONTROL_TOKEN": "token-bbbb",
        "SENTRY_DSN": "https://key-cccc@sentry.example/1",
        "BUS_SECRET_KEY": KEY,
    }
    urls = {
        "DOMAIN_API_URL": "https://user:pass-dddd@api.example/list?key=eeee",
        "API_CALLBACK_URL": "https://user:p%40ss-ffff@api.example/gggg",
    }
    settings, other = load(environ), load(urls)

    shown = repr(settings) + str(settings.masked()) + repr(other) + str(other.masked())
    for secret in ("token-aaaa", WHSEC[6:], "token-bbbb", "key-cccc", KEY, "pass-dddd", "eeee", "ss-ffff", "gggg"):
        assert secret not in shown
    assert {"token-aaaa", WHSEC, WHSEC[6:], "token-bbbb", KEY} <= set(settings.secrets())
    assert {"pass-dddd", "p@ss-ffff"} <= set(other.secrets())
    assert settings.masked()["API_AUTH_TOKEN"] == "***"


def test_a_problem_with_a_secret_does_not_show_it() -> None:
    """The report goes to a log."""
    assert "hunter22" not in str(
        problems({"CALLBACK_SECRET": "hunter22", "SENTRY_DSN": "hunter22", "BUS_SECRET_KEY": "hunter22"})
    )


def test_a_problem_with_a_url_hides_its_password() -> None:
    """A URL may carry a password although it is no secret by itself."""
    assert "hunter22" not in str(problems({"DOMAIN_API_URL": "ftp://user:hunter22@x.example/?a=hunter22"}))


def test_two_credentials_for_one_request_are_refused() -> None:
    """A user in the URL or a token in its query beside API_AUTH_TOKEN: nothing says which one counts."""
    for url in ("https://user:pw-aaaa@api.example/", "https://api.example/list?access_token=pw-aaaa"):
        for name in ("DOMAIN_API_URL", "API_CALLBACK_URL"):
            (problem,) = problems({name: url, "API_AUTH_TOKEN": "token-aaaa"})
            assert problem.startswith(f"{name}: has credentials in the URL")
            assert "pw-aaaa" not in problem
            assert load({name: url}).has(name)
    assert load({"DOMAIN_API_URL": "https://api.example/list?page=1", "API_AUTH_TOKEN": "token-aaaa"}).has("API_AUTH_TOKEN")


# -- misspelt names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CHEK_INTERVAL", "CHECK_INTERVAL"),
        ("CHECK_INTERVALL", "CHECK_INTERVAL"),
        ("SENTRY_DNS", "SENTRY_DSN"),
        ("FAST_CHECKER", "FAST_CHECKERS"),
        ("API_AUTH_TOKEN_FLE", "API_AUTH_TOKEN_FILE"),
    ],
)
def test_a_misspelt_variable_of_the_environment_is_an_error(name: str, meant: str) -> None:
    """One slip of the pen would otherwise leave the default in force without a word."""
    assert problems({name: "60"}) == [f"{name} is no setting: did you mean {meant}?"]


def test_a_file_for_what_is_no_secret_is_an_error() -> None:
    """NAME_FILE is read for secrets alone."""
    assert problems({"CHECK_INTERVAL_FILE": "/x"})[0].startswith("CHECK_INTERVAL_FILE: CHECK_INTERVAL is no secret")


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "SMTP_PORT",
        "STATE_DIRECTORY",
        "LOG_FILE",
        "SENTRY_RELEASE",
        "DNS_SERVERS",
        "COMPOSE_PROFILES",
    ],
)
def test_variables_of_other_programs_are_left_alone(name: str) -> None:
    """The environment is shared with everything else that runs there."""
    assert load({name: "x"}) == load({})


@given(st.text(max_size=80))
def test_any_text_is_a_value_or_a_problem(text: str) -> None:
    """No parser of the table raises anything but ValueError."""
    for setting in TABLE.values():
        with contextlib.suppress(ValueError):
            setting.parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("whois.example", ("whois.example", 43)),
        ("whois.example:4343", ("whois.example", 4343)),
        ("127.0.0.1:43", ("127.0.0.1", 43)),
        ("[::1]:4343", ("::1", 4343)),
        ("[::1]", ("::1", 43)),
        ("::1", ("::1", 43)),
    ],
)
def test_hosts_are_split_from_ports(text: str, expected: tuple[str, int]) -> None:
    """IPv6 addresses need brackets only before a port."""
    assert setting_parsers.split_host(text, 43) == expected


def test_subscribers_keys_need_a_server_key() -> None:
    """Without BUS_SECRET_KEY nothing would check them, and the feed would be open."""
    assert problems({"FEED_CLIENT_KEYS": "a" * 40})[0].startswith("FEED_CLIENT_KEYS: ")


@pytest.mark.parametrize(
    ("text", "expected"), [("yes", True), ("TRUE", True), ("1", True), ("no", False), ("Off", False), ("", False)]
)
def test_a_switch_is_yes_or_no(text: str, expected: bool) -> None:
    """The usual words for both are understood."""
    assert load({"CONTROL_TRUST_GATEWAY": text}).control_trust_gateway is expected


def test_allowed_hosts_have_one_spelling() -> None:
    """Case, brackets and the forms of an IPv6 address make no difference."""
    found = load({"CONTROL_ALLOWED_HOSTS": "LocalHost., [0:0::1], 2001:DB8::1,10.0.0.1"}).control_allowed_hosts

    assert found == ("localhost", "::1", "2001:db8::1", "10.0.0.1")
    assert load({}).control_allowed_hosts == ("localhost", "127.0.0.1", "::1")
