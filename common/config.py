"""Every setting, in one table: the annotations of `Settings`. The one place that reads the environment.

A setting is an environment variable, the upper case of its attribute. A secret NAME can also be given as NAME_FILE, the path
of a file that holds it. The empty text counts as not set. `load` reports all problems at once, each with its variable.

`adopt` fills in from `.env` what the environment does not say. `forget` drops what the process has no use for: a row of the
table names the actors that need it, and `restrictions` is the same for a process that is yet to be started.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from common import dotenv, roles, spelling
from common import setting_parsers as parse
from common.epp_accounts import EppAccount, list_texts, parse_epp_accounts
from common.errors import ConfigError
from common.host_settings import HostSettings
from common.publication_settings import PublicationSettings
from common.secret_files import read_secret
from common.secret_scrubber import MASK, find_credentials, shown_url
from common.setting_conflicts import find_conflicts
from common.setting_defaults import fill_dependent_defaults
from common.setting_parsers import Network
from common.setting_row import Setting
from common.source_settings import SourceSettings

#: Names the env file to read instead of `.env`; "" where none is to be read, as for actors, which get it from the supervisor.
ENV_FILE = "DOMAIN_MONITOR_ENV_FILE"
#: Names, separated by commas, what is set and was kept from this process.
WITHHELD = "DOMAIN_MONITOR_WITHHELD"
#: Digests of the credentials of sources, "source=hex", separated by commas: `common.key_digests`. For the coordinator alone.
KEY_DIGESTS = "DOMAIN_MONITOR_KEY_DIGESTS"


_optional_url = parse.optional(parse.url)
_optional_file = parse.optional(parse.existing_file)
_optional_token = parse.optional(parse.token)
_optional_key = parse.optional(parse.curve_key)


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings(PublicationSettings, SourceSettings, HostSettings):
    """What the environment says, checked. `repr` and `masked` never show a secret."""

    # The list, and where news about it go
    domain_api_url: Annotated[
        str | None,
        Setting("", _optional_url, "URL of the domain list; without it DOMAIN_LIST_FILE is read", roles=roles.LISTING),
    ]
    domain_list_file: Annotated[Path, Setting("domains.txt", Path, "file with one name a line, used without DOMAIN_API_URL")]
    domain_api_refresh_interval: Annotated[float, Setting("300", parse.seconds, "seconds between two looks at the list")]
    api_callback_url: Annotated[
        str | None,
        Setting("", _optional_url, "URL that callbacks are posted to; without it they are kept as events", roles=roles.POSTING),
    ]
    api_auth_token: Annotated[
        str | None,
        Setting("", _optional_token, "bearer token for both APIs of the customer", secret=True, roles=roles.WITH_TOKEN),
    ]
    callback_results: Annotated[
        str,
        Setting(
            "all",
            parse.choice("all", "changes", "none"),
            "which check results are posted: all, changes or none (notices always are)",
        ),
    ]
    callback_secret: Annotated[
        tuple[str, ...],
        Setting(
            "",
            parse.many(parse.webhook_secret),
            "signs callbacks: whsec_ + base64; several, separated by commas, while rotating",
            secret=True,
            roles=roles.SIGNING,
        ),
    ]

    # This instance
    instance_id: Annotated[str, Setting("", parse.optional(parse.word), "unique name of this instance; default: the host name")]
    egress_id: Annotated[str, Setting("", parse.optional(parse.word), "processes of one value share budgets; default: default")]
    state_dir: Annotated[Path, Setting("./state", parse.directory, "directory of state, sockets, heartbeats and crash dumps")]
    store_url: Annotated[
        str,
        Setting(
            "",
            parse.optional(parse.store),
            "where state is kept: sqlite:///PATH or postgresql://...; default: sqlite:///<STATE_DIR>/domain-monitor.db",
            secret=True,
            roles=roles.STORING,
        ),
    ]
    ledger_retention: Annotated[
        int, Setting("90", parse.whole(1, 3650), "days that the evidence of decisions is kept for `domain-monitor replay`")
    ]
    ledger_per_name: Annotated[int, Setting("200", parse.whole(1, 100_000), "most decisions kept of one name")]
    sentry_dsn: Annotated[
        str | None,
        Setting("", _optional_url, "error tracking with Sentry; secrets are scrubbed", secret=True, roles=roles.REPORTING),
    ]
    log_format: Annotated[
        str, Setting("", parse.choice("", "json", "text"), "json or text; default: text on a terminal, else json")
    ]
    log_level: Annotated[
        str, Setting("INFO", parse.choice("DEBUG", "INFO", "WARNING", "ERROR"), "DEBUG, INFO, WARNING or ERROR")
    ]

    # Processes
    fast_checkers: Annotated[int, Setting("1", parse.count, "processes of the fast pool (dns, http)")]
    intermediate_checkers: Annotated[
        int, Setting("1", parse.count, "processes of the intermediate pool (rdap, das, epp, registrars)")
    ]
    deep_checkers: Annotated[int, Setting("1", parse.count, "processes of the deep pool (whois)")]
    notifiers: Annotated[int, Setting("1", parse.count, "processes that post callbacks")]

    # Cadence
    check_interval: Annotated[
        float, Setting("3600", parse.seconds, "seconds between two checks of a name; the lifecycle calendar refines it")
    ]
    priority_check_interval: Annotated[float, Setting("300", parse.seconds, "the same for priority names")]
    confirm_gap: Annotated[float, Setting("30", parse.seconds, "seconds between the two passes that an alarm needs")]
    confirm_gap_close: Annotated[float, Setting("2", parse.seconds, "the same inside a forecast window and for priority names")]

    # Control, bus and feed
    control_host: Annotated[str, Setting("127.0.0.1", parse.host, "address of the HTTP interface")]
    control_port: Annotated[int, Setting("8000", parse.port, "port of the HTTP interface")]
    control_token: Annotated[
        str | None,
        Setting("", _optional_token, "bearer token that every changing call needs", secret=True, roles=roles.GUARDING),
    ]
    read_token: Annotated[
        str | None,
        Setting(
            "", _optional_token, "bearer token for reading from other machines, nothing else", secret=True, roles=roles.GUARDING
        ),
    ]
    control_allowed_hosts: Annotated[
        tuple[str, ...],
        Setting(
            "localhost,127.0.0.1,::1",
            parse.many(parse.http_host),
            "names, separated by commas, that calls without a token may address this host by",
        ),
    ]
    control_trust_gateway: Annotated[
        bool,
        Setting(
            "no",
            parse.yes_or_no,
            "yes: calls from the network's default gateway count as from this machine; only for a port published to loopback",
        ),
    ]
    bus_endpoint: Annotated[
        str, Setting("", parse.optional(parse.endpoint), "work sockets; default: ipc under STATE_DIR; tcp needs CURVE keys")
    ]
    feed_endpoint: Annotated[str, Setting("tcp://127.0.0.1:5560", parse.endpoint, "where the live feed is published")]
    bus_secret_key: Annotated[
        str | None,
        Setting(
            "", _optional_key, "this host's CURVE secret key (Z85), for BUS_ENDPOINT on tcp", secret=True, roles=roles.ON_BUS
        ),
    ]
    bus_server_key: Annotated[str | None, Setting("", _optional_key, "the coordinator's CURVE public key, for workers on tcp")]
    bus_client_keys: Annotated[
        tuple[str, ...],
        Setting("", parse.many(parse.curve_key), "CURVE public keys that the coordinator lets in, separated by commas"),
    ]
    feed_client_keys: Annotated[
        tuple[str, ...],
        Setting("", parse.many(parse.curve_key), "further CURVE public keys, let in to the feed only, separated by commas"),
    ]

    # How the outside is asked
    dns_mode: Annotated[
        str,
        Setting(
            "authoritative",
            parse.choice("authoritative", "resolver"),
            "authoritative (ask the suffix's own servers) or resolver",
        ),
    ]
    dns_resolvers: Annotated[
        tuple[str, ...],
        Setting("", parse.many(parse.address_port), "resolvers, address[:port], separated by commas; default: the system's"),
    ]
    dns_root_servers: Annotated[
        tuple[str, ...],
        Setting("", parse.many(parse.address_port), "root servers, address[:port], separated by commas; default: built in"),
    ]
    dns_port: Annotated[int, Setting("53", parse.port, "port of every authoritative server")]
    rdap_bootstrap_url: Annotated[
        str, Setting("https://data.iana.org/rdap/dns.json", parse.url, "IANA's list of RDAP servers (RFC 9224)")
    ]
    rdap_servers_file: Annotated[
        Path | None, Setting("", _optional_file, "own list in the form of IANA's dns.json; its suffixes win")
    ]
    whois_servers_file: Annotated[Path | None, Setting("", _optional_file, 'own WHOIS servers, JSON {"suffix": "host[:port]"}')]
    whois_port: Annotated[int, Setting("43", parse.port, "port of WHOIS servers that name none")]
    whois_iana_host: Annotated[
        str, Setting("whois.iana.org", parse.host_port, "WHOIS server that knows the server of every suffix")
    ]
    das_servers_file: Annotated[
        Path | None, Setting("", _optional_file, 'own domain availability services, JSON {"suffix": "host[:port]"}')
    ]
    das_suffixes: Annotated[
        tuple[str, ...],
        Setting(
            "",
            parse.many(parse.suffix),
            "suffixes, separated by commas, or all: their availability service is asked although uncertain or for members",
        ),
    ]
    canaries_file: Annotated[
        Path | None,
        Setting("", _optional_file, 'names known to be registered, JSON {"suffix": ["name", ...]}; default: built in'),
    ]
    budgets_file: Annotated[
        Path | None,
        Setting("", _optional_file, 'own limits, JSON {"operator or host": {"rate": a second, "burst", "per_day", "ceiling"}}'),
    ]
    epp_accounts: Annotated[
        tuple[EppAccount, ...], Setting("", parse_epp_accounts, "EPP accounts: docs/epp.md", secret=True, roles=roles.ASKING)
    ]
    http_port: Annotated[int, Setting("80", parse.port, "port of web checks over http")]
    https_port: Annotated[int, Setting("443", parse.port, "port of web checks over https")]
    tls_ca_file: Annotated[Path | None, Setting("", _optional_file, "further CA certificates (PEM) to trust for https")]
    allowed_private_networks: Annotated[
        tuple[Network, ...],
        Setting("", parse.many(parse.network), "CIDRs, separated by commas, that may be asked although they are private"),
    ]
    user_agent_contact: Annotated[
        str | None, Setting("", parse.optional(parse.contact), "mail address or URL shown in every User-Agent")
    ]

    #: Variables that are set and were kept from this process.
    withheld: frozenset[str] = frozenset()
    #: A digest of the credentials of each source that has some, where this process is told.
    key_digests: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={text!r}' for name, text in self.masked().items())})"

    def masked(self) -> dict[str, str]:
        """Every setting that has a value, by its variable, as text without secrets."""
        rows = {}
        for name, setting in TABLE.items():
            value = getattr(self, name.lower())
            if value is None or value in ("", (), {}):
                continue
            if isinstance(value, Mapping):
                value = tuple(f"{key}={item}" for key, item in value.items())
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            rows[name] = MASK if setting.secret and name != "STORE_URL" else shown_url(text) if name.endswith("_URL") else text
        return rows

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never leave the process, for `common.scrub`."""
        found: set[str] = set()
        for name, setting in TABLE.items():
            value = getattr(self, name.lower())
            for text in list_texts(value):
                if setting.secret and isinstance(text, str) and text and name != "STORE_URL":
                    found.update((text, text.removeprefix("whsec_")))
                elif isinstance(text, str) and text.startswith(("http", "postgres")) and text != setting.default:
                    found.update(find_credentials(text))
        return tuple(sorted(found))

    def has(self, name: str) -> bool:
        """Whether a variable is set, also where its value was kept from this process."""
        return bool(getattr(self, name.lower())) or name in self.withheld

    @property
    def instance_dir(self) -> Path:
        """The part of STATE_DIR that this instance has for itself: heartbeats, records of starts, sockets."""
        return self.state_dir / "instances" / self.instance_id

    @property
    def store_in_file(self) -> bool:
        """Whether the state is kept in an SQLite file, and not by a PostgreSQL server."""
        return self.store_url.startswith("sqlite:///")

    @property
    def store_path(self) -> Path:
        """The SQLite file of STORE_URL, absolute; none unless `store_in_file`."""
        return Path(self.store_url.removeprefix("sqlite:///")).absolute()


def _table() -> dict[str, Setting]:
    hints = get_type_hints(Settings, include_extras=True)
    own = [name for name in hints if name in Settings.__annotations__]
    rows = {name.upper(): getattr(hints[name], "__metadata__", ()) for name in dict.fromkeys((*own, *hints))}
    return {name: row[0] for name, row in rows.items() if row}


#: The table: variable -> setting, in the order of `.env.example`.
TABLE = _table()
#: Every variable that is read: settings, files of secrets, and what our own processes tell each other.
KNOWN = (*TABLE, *(f"{name}_FILE" for name, setting in TABLE.items() if setting.secret), ENV_FILE, WITHHELD, KEY_DIGESTS)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment (or from `environ`). Raises ConfigError with one sentence for every problem found."""
    environ = os.environ if environ is None else environ
    problems = [problem for name in environ if (problem := _misspelt(name, spelling.find_slip))]
    found: dict[str, Any] = {"withheld": frozenset(parse.items(environ.get(WITHHELD, "")))}
    found["key_digests"] = dict(item.rpartition("=")[::2] for item in parse.items(environ.get(KEY_DIGESTS, "")))
    for name, setting in TABLE.items():
        try:
            text = read_secret(name, environ) if setting.secret else environ.get(name, "").strip()
            found[name.lower()] = _parsed(name, setting, text)
        except ValueError as error:
            problems.append(str(error))
    if not problems:
        fill_dependent_defaults(found)
        problems = find_conflicts(found)
    if problems:
        raise ConfigError(problems)
    return Settings(**found)


def adopt(path: str | None = None) -> list[str]:
    """Fill in from the env file what our environment does not say, for us and every process that we start.

    The file is `path`, else what DOMAIN_MONITOR_ENV_FILE names, else `.env` of this folder, if there is one. Returns the names
    in it that are no setting. Raises ConfigError where it cannot be read, has a wrong line, or a name that was meant to be a
    setting's.
    """
    named = path if path is not None else os.environ.get(ENV_FILE)
    file = Path(".env" if named is None else named)
    if named == "" or (named is None and not file.exists()):
        return []
    found = dotenv.read_dotenv(file, os.environ)
    problems = [f"{file}: {problem}" for name in found if (problem := _misspelt(name, spelling.likely))]
    if problems:
        raise ConfigError(problems)
    for name, value in found.items():
        other = name.removesuffix("_FILE") if name.endswith("_FILE") else f"{name}_FILE"  # the file of a secret, or the secret
        if name not in os.environ and not (other in os.environ and {name, other} <= set(KNOWN)):
            os.environ[name] = value
    os.environ[ENV_FILE] = ""
    return [name for name in found if name not in KNOWN]


def forget(role: str) -> None:
    """Drop from our environment what a process of this role has no use for; children do not get it either."""
    for name, value in restrictions(role).items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def restrictions(role: str) -> dict[str, str]:
    """The variables that keep from a process what its role has no use for: empty ones, and a list of those that are set."""
    kept = [name for name, setting in TABLE.items() if setting.roles and role not in setting.roles]
    withheld = {name for name in kept if os.environ.get(name) or os.environ.get(f"{name}_FILE")}
    withheld |= set(parse.items(os.environ.get(WITHHELD, "")))
    files = {f"{name}_FILE": "" for name in kept if TABLE[name].secret}
    digests = os.environ.get(KEY_DIGESTS, "") if role == "coordinator" else ""
    return {**dict.fromkeys(kept, ""), **files, WITHHELD: ",".join(sorted(withheld)), KEY_DIGESTS: digests}


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: our own, over it `extra`."""
    return {**os.environ, **extra}


def inherited(name: str) -> str:
    """A variable that another program set for us, such as supervisord; "" where it is not set."""
    return os.environ.get(name, "")


def hand_down(name: str, value: str) -> None:
    """Set a variable for the processes that this one starts."""
    os.environ[name] = value


def _parsed(name: str, setting: Setting, text: str) -> Any:
    try:
        return setting.parse(text or setting.default)
    except ValueError as error:
        shown = "" if setting.secret or not setting.quoted else f", not {shown_url(text)[:100]!r}"
        raise ValueError(f"{name}: {error}{shown}") from None


def _misspelt(name: str, meant: Callable[[str, tuple[str, ...]], str | None]) -> str:
    """What is wrong with the name of a variable, "" where nothing is."""
    if name in KNOWN:
        return ""
    if (bare := name.removesuffix("_FILE")) != name and bare in TABLE:
        return f"{name}: {bare} is no secret and not read from a file: set {bare}"
    known = meant(name, KNOWN)
    return f"{name} is no setting: did you mean {known}?" if known else ""
