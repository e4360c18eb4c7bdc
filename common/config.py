"""Every setting, in one table: the annotations of `Settings`. The one place that reads the environment.

A setting is an environment variable, the upper case of its attribute. A secret NAME can also be given as NAME_FILE, the path
of a file that holds it. The empty text counts as not set. `load` reports all problems at once, each with its variable.
"""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import unquote, urlsplit

from common import values
from common.errors import ConfigError
from common.scrub import MASK, scrub_url
from common.values import Network

#: Longest path of a unix socket on Linux in bytes (unix(7): 108 with the closing zero).
SOCKET_PATH_LIMIT = 107
#: Room left for what the bus appends to its base path, in bytes.
SOCKET_SUFFIX = 10
#: Largest file read as a secret, in bytes.
SECRET_FILE_LIMIT = 65_536


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `default` is text, as in the environment; "" where there is none or it follows from others."""

    default: str
    parse: Callable[[str], Any]
    help: str
    secret: bool = False


_optional_url = values.optional(values.url)
_optional_file = values.optional(values.existing_file)
_optional_token = values.optional(values.token)
_optional_key = values.optional(values.curve_key)


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """What the environment says, checked. `repr` and `masked` never show a secret."""

    # The list, and where news about it go
    domain_api_url: Annotated[
        str | None, Setting("", _optional_url, "URL of the domain list; without it DOMAIN_LIST_FILE is read")
    ]
    domain_list_file: Annotated[Path, Setting("domains.txt", Path, "file with one name a line, used without DOMAIN_API_URL")]
    domain_api_refresh_interval: Annotated[float, Setting("300", values.seconds, "seconds between two looks at the list")]
    api_callback_url: Annotated[
        str | None, Setting("", _optional_url, "URL that callbacks are posted to; without it they are kept as events")
    ]
    api_auth_token: Annotated[
        str | None, Setting("", _optional_token, "bearer token for both APIs of the customer", secret=True)
    ]
    callback_results: Annotated[
        str,
        Setting(
            "all",
            values.choice("all", "changes", "none"),
            "which check results are posted: all, changes or none (notices always are)",
        ),
    ]
    callback_secret: Annotated[
        tuple[str, ...],
        Setting(
            "",
            values.many(values.webhook_secret),
            "signs callbacks: whsec_ + base64; several, separated by commas, while rotating",
            secret=True,
        ),
    ]

    # This instance
    instance_id: Annotated[
        str, Setting("", values.optional(values.word), "unique name of this instance; default: the host name")
    ]
    egress_id: Annotated[str, Setting("default", values.word, "processes with the same value share one registry budget")]
    state_dir: Annotated[Path, Setting("./state", values.directory, "directory of state, sockets, heartbeats and crash dumps")]
    store_url: Annotated[
        str,
        Setting(
            "",
            values.optional(values.store),
            "where state is kept; default: sqlite:///<STATE_DIR>/domain-monitor.db",
            secret=True,
        ),
    ]
    ledger_retention: Annotated[
        int, Setting("90", values.whole(1, 3650), "days that the evidence of decisions is kept for `domain-monitor replay`")
    ]
    ledger_per_name: Annotated[int, Setting("200", values.whole(1, 100_000), "most decisions kept of one name")]
    sentry_dsn: Annotated[
        str | None, Setting("", _optional_url, "error tracking with Sentry; secrets are scrubbed", secret=True)
    ]
    log_format: Annotated[
        str, Setting("", values.choice("", "json", "text"), "json or text; default: text on a terminal, else json")
    ]
    log_level: Annotated[
        str, Setting("INFO", values.choice("DEBUG", "INFO", "WARNING", "ERROR"), "DEBUG, INFO, WARNING or ERROR")
    ]

    # Processes
    fast_checkers: Annotated[int, Setting("1", values.count, "processes of the fast pool (dns, http)")]
    intermediate_checkers: Annotated[
        int, Setting("1", values.count, "processes of the intermediate pool (rdap, das, registrar)")
    ]
    deep_checkers: Annotated[int, Setting("1", values.count, "processes of the deep pool (whois)")]
    notifiers: Annotated[int, Setting("1", values.count, "processes that post callbacks")]

    # Cadence
    check_interval: Annotated[
        float, Setting("3600", values.seconds, "seconds between two checks of a name; the lifecycle calendar refines it")
    ]
    priority_check_interval: Annotated[float, Setting("300", values.seconds, "the same for priority names")]
    confirm_gap: Annotated[float, Setting("30", values.seconds, "seconds between the two passes that an alarm needs")]
    confirm_gap_close: Annotated[
        float, Setting("2", values.seconds, "the same inside a forecast window and for priority names")
    ]

    # Control, bus and feed
    control_host: Annotated[str, Setting("127.0.0.1", values.host, "address of the HTTP interface")]
    control_port: Annotated[int, Setting("8000", values.port, "port of the HTTP interface")]
    control_token: Annotated[
        str | None, Setting("", _optional_token, "bearer token that every changing call needs", secret=True)
    ]
    read_token: Annotated[
        str | None, Setting("", _optional_token, "bearer token for reading from other machines, nothing else", secret=True)
    ]
    control_allowed_hosts: Annotated[
        tuple[str, ...],
        Setting(
            "localhost,127.0.0.1,::1",
            values.many(values.http_host),
            "names, separated by commas, that calls without a token may address this host by",
        ),
    ]
    control_trust_gateway: Annotated[
        bool,
        Setting(
            "no",
            values.yes_or_no,
            "yes: calls from the network's default gateway count as from this machine; only for a port published to loopback",
        ),
    ]
    bus_endpoint: Annotated[
        str, Setting("", values.optional(values.endpoint), "work sockets; default: ipc under STATE_DIR; tcp needs CURVE keys")
    ]
    feed_endpoint: Annotated[str, Setting("tcp://127.0.0.1:5560", values.endpoint, "where the live feed is published")]
    bus_secret_key: Annotated[
        str | None, Setting("", _optional_key, "this host's CURVE secret key (Z85), for BUS_ENDPOINT on tcp", secret=True)
    ]
    bus_server_key: Annotated[str | None, Setting("", _optional_key, "the coordinator's CURVE public key, for workers on tcp")]
    bus_client_keys: Annotated[
        tuple[str, ...],
        Setting("", values.many(values.curve_key), "CURVE public keys that the coordinator lets in, separated by commas"),
    ]

    # How the outside is asked
    dns_mode: Annotated[
        str,
        Setting(
            "authoritative",
            values.choice("authoritative", "resolver"),
            "authoritative (ask the suffix's own servers) or resolver",
        ),
    ]
    dns_resolvers: Annotated[
        tuple[str, ...],
        Setting("", values.many(values.address_port), "resolvers, address[:port], separated by commas; default: the system's"),
    ]
    dns_root_servers: Annotated[
        tuple[str, ...],
        Setting("", values.many(values.address_port), "root servers, address[:port], separated by commas; default: built in"),
    ]
    dns_port: Annotated[int, Setting("53", values.port, "port of every authoritative server")]
    rdap_bootstrap_url: Annotated[
        str, Setting("https://data.iana.org/rdap/dns.json", values.url, "IANA's list of RDAP servers (RFC 9224)")
    ]
    rdap_servers_file: Annotated[
        Path | None, Setting("", _optional_file, "own list in the form of IANA's dns.json; its suffixes win")
    ]
    whois_servers_file: Annotated[Path | None, Setting("", _optional_file, 'own WHOIS servers, JSON {"suffix": "host[:port]"}')]
    whois_port: Annotated[int, Setting("43", values.port, "port of WHOIS servers that name none")]
    whois_iana_host: Annotated[
        str, Setting("whois.iana.org", values.host_port, "WHOIS server that knows the server of every suffix")
    ]
    canaries_file: Annotated[
        Path | None,
        Setting("", _optional_file, 'names known to be registered, JSON {"suffix": ["name", ...]}; default: built in'),
    ]
    budgets_file: Annotated[
        Path | None,
        Setting("", _optional_file, 'own limits, JSON {"operator or host": {"rate": per second, "burst": n, "per_day": n}}'),
    ]
    http_port: Annotated[int, Setting("80", values.port, "port of web checks over http")]
    https_port: Annotated[int, Setting("443", values.port, "port of web checks over https")]
    tls_ca_file: Annotated[Path | None, Setting("", _optional_file, "further CA certificates (PEM) to trust for https")]
    allowed_private_networks: Annotated[
        tuple[Network, ...],
        Setting("", values.many(values.network), "CIDRs, separated by commas, that may be asked although they are private"),
    ]
    user_agent_contact: Annotated[
        str | None, Setting("", values.optional(values.contact), "mail address or URL shown in every User-Agent")
    ]

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={text!r}' for name, text in self.masked().items())})"

    def masked(self) -> dict[str, str]:
        """Every setting that has a value, by its variable, as text without secrets."""
        rows = {}
        for name, setting in TABLE.items():
            value = getattr(self, name.lower())
            if value is None or value in ("", ()):
                continue
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            rows[name] = MASK if setting.secret and name != "STORE_URL" else scrub_url(shown)
        return rows

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never leave the process, for `common.scrub`."""
        found: set[str] = set()
        for name, setting in TABLE.items():
            value = getattr(self, name.lower())
            for text in value if isinstance(value, tuple) else (value,):
                if setting.secret and text and name != "STORE_URL":
                    found.update((text, text.removeprefix("whsec_")))
                elif isinstance(text, str) and "://" in text:
                    found.update(_password(text))
        return tuple(sorted(found))

    @property
    def store_path(self) -> Path:
        """The SQLite file of STORE_URL, absolute."""
        return Path(self.store_url.removeprefix("sqlite:///")).absolute()


def _table() -> dict[str, Setting]:
    hints = get_type_hints(Settings, include_extras=True)
    return {name.upper(): hint.__metadata__[0] for name, hint in hints.items()}


#: The table: variable -> setting, in the order of `.env.example`.
TABLE = _table()


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (or from `environ`). Raises ConfigError with one sentence for every problem found."""
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    found: dict[str, Any] = {}
    for name, setting in TABLE.items():
        text = _text(name, setting, environ, problems)
        try:
            found[name.lower()] = setting.parse(text or setting.default)
        except ValueError as error:
            shown = "" if setting.secret else f", not {scrub_url(text)[:100]!r}"
            problems.append(f"{name}: {error}{shown}")
    if not problems:
        _complete(found)
        problems = _cross_checks(found)
    if problems:
        raise ConfigError(problems)
    return Settings(**found)


def environment(extra: Mapping[str, str], defaults: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child process: `defaults`, over them our own variables, over both `extra`."""
    return {**(defaults or {}), **os.environ, **extra}


def read_env_file(path: Path) -> dict[str, str]:
    """The NAME=value lines of a file such as `.env`; one pair of quotes around a value is dropped. Raises ConfigError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}"]) from error
    found, problems = {}, []
    for number, line in enumerate(lines, 1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name.strip()):
            problems.append(f"{path} line {number}: must be NAME=value")
            continue
        found[name.strip()] = re.sub(r"""^(["'])(.*)\1$""", r"\2", value.strip())
    if problems:
        raise ConfigError(problems)
    return found


def inherited(name: str) -> str:
    """A variable that another program set for us, such as supervisord; "" where it is not set."""
    return os.environ.get(name, "")


def _text(name: str, setting: Setting, environ: Mapping[str, str], problems: list[str]) -> str:
    text = environ.get(name, "").strip()
    file = environ.get(f"{name}_FILE", "").strip() if setting.secret else ""
    if not file:
        return text
    if text:
        problems.append(f"{name}: set it or {name}_FILE, not both")
        return ""
    try:
        with Path(file).open("rb") as stream:
            content = stream.read(SECRET_FILE_LIMIT + 1)
        text = content.decode().strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        problems.append(f"{name}_FILE: cannot be read: {reason}")
        return ""
    if not text or len(content) > SECRET_FILE_LIMIT:
        problems.append(f"{name}_FILE: must hold one secret of 1 to {SECRET_FILE_LIMIT} bytes")
        return ""
    return text


def _complete(found: dict[str, Any]) -> None:
    """Fill in the defaults that follow from other settings."""
    state: Path = found["state_dir"]
    if not found["instance_id"]:
        found["instance_id"] = re.sub(r"[^A-Za-z0-9._-]", "-", platform.node()).lstrip("._-")[:64] or "localhost"
    if not found["store_url"]:
        found["store_url"] = f"sqlite:///{state / 'domain-monitor.db'}"
    if not found["bus_endpoint"]:
        found["bus_endpoint"] = f"ipc://{socket_directory(state) / 'bus'}"


def socket_directory(state_dir: Path) -> Path:
    """Where unix sockets live: STATE_DIR/run, or a short path of our own where that would be too long for a socket."""
    name = f"domain-monitor-{os.getuid()}-{sha256(os.fsencode(state_dir)).hexdigest()[:16]}"
    candidates = (state_dir / "run", Path(tempfile.gettempdir()) / name)
    fitting = (path for path in candidates if len(os.fsencode(path / "supervisor.sock")) + SOCKET_SUFFIX <= SOCKET_PATH_LIMIT)
    return next(fitting, Path("/tmp") / name)  # noqa: S108  # made private and checked by common.state


def _cross_checks(found: dict[str, Any]) -> list[str]:
    problems = []
    bus: str = found["bus_endpoint"]
    if bus.startswith("tcp://") and not found["bus_secret_key"]:
        problems.append(
            "BUS_ENDPOINT: tcp needs BUS_SECRET_KEY: without CURVE anybody who connects could take tasks and forge results"
        )
    if bus.startswith("tcp://") and bus.endswith(":65535"):
        problems.append("BUS_ENDPOINT: must leave room for the port after it, so at most 65534")
    if bus.startswith("ipc://") and len(bus.encode()) - len("ipc://") + SOCKET_SUFFIX > SOCKET_PATH_LIMIT:
        problems.append(f"BUS_ENDPOINT: must be a path of at most {SOCKET_PATH_LIMIT - SOCKET_SUFFIX} bytes")
    if bus == found["feed_endpoint"]:
        problems.append("FEED_ENDPOINT: must differ from BUS_ENDPOINT")
    if found["confirm_gap_close"] > found["confirm_gap"]:
        problems.append("CONFIRM_GAP_CLOSE: must not be above CONFIRM_GAP")
    if found["priority_check_interval"] > found["check_interval"]:
        problems.append("PRIORITY_CHECK_INTERVAL: must not be above CHECK_INTERVAL")
    return problems


def _password(url: str) -> set[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()
