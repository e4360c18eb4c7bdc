"""Every error this program raises on purpose.

    DomainMonitorError
    +-- ConfigError        a setting is missing or wrong; the text names the setting
    +-- MessageError       bytes from the bus that are no message of ours
    +-- NameProblem        a name that cannot be monitored; the text says why
    +-- ListError          a domain list that cannot be used (empty, broken, too large)
    +-- PublicationError   a list or zone of a registry that is not whole, or no such list; proves nothing about a domain
    +-- StoreError         the state cannot be read or written
    |   +-- StoreLocked    another process holds a lock of it: the same may do later
    |   +-- StoreDamaged   what it holds is no database any more
    |   +-- StoreFull      there is no room on its disk: the same write may do later
    |   +-- StoreLost      it was deleted, moved or replaced
    |   +-- StoreAway      the server of the database cannot be reached, or ended the connection: it may be back at any time
    |   |   +-- StoreBehind  it is back without the last commits, as after a failover: begin anew from what it has
    |   +-- StoreDenied    the server of the database does not let this user in
    |   +-- LeaseLost      another instance leads: nothing may be written any more
    |   +-- InstanceTaken  another instance that lives has our INSTANCE_ID
    +-- ClientError        a client could not complete an exchange; says nothing about a domain
        +-- Refused        the address or host is not allowed (SSRF guard)
        +-- ConnectionRefused  the server refused or reset the connection
        +-- TooLarge       the answer passed its bound
        +-- TimedOut       the exchange passed its deadline
        +-- ConnectionClosed   the server closed the connection instead of answering
        +-- LoginFailed    the server does not let this account in
        +-- NotAsked       nothing was sent: our own line to the server was too long; says nothing about the server either

An observation is never an error: what the world answered travels as evidence (`common.core.model.evidence`).
"""


class DomainMonitorError(Exception):
    """Root of every error raised on purpose."""


class ConfigError(DomainMonitorError):
    """One or several settings are wrong. `problems` holds one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class MessageError(DomainMonitorError):
    """Bytes that are not a message of ours."""


class NameProblem(DomainMonitorError):
    """A name that cannot be monitored. `code` is a stable word, the text is for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class ListError(DomainMonitorError):
    """A domain list that cannot be used as it is."""


class PublicationError(DomainMonitorError):
    """A publication of a registry that cannot be used; the text says what is wrong with it in one sentence."""


class StoreError(DomainMonitorError):
    """The state cannot be read or written."""


class StoreLocked(StoreError):
    """Another process holds a lock of the database, longer than one may wait for it."""


class StoreDamaged(StoreError):
    """The database is damaged; the text names the remedy."""


class StoreFull(StoreError):
    """The disk of the database is full."""


class StoreLost(StoreError):
    """The database is not where it was; the text names the remedy."""


class StoreAway(StoreError):
    """The server of the database cannot be reached, has ended the connection, only lets read at the moment, or is too slow."""


class StoreBehind(StoreAway):
    """The database lacks what was committed last: a replica took over that did not have it. Memory is ahead of the store."""


class StoreDenied(StoreError):
    """The server of the database refuses the user or the password of STORE_URL."""


class LeaseLost(StoreError):
    """Another instance has taken over; the text names it where it is known."""


class InstanceTaken(StoreError):
    """Another instance that lives has our INSTANCE_ID; the text says where."""


class ClientError(DomainMonitorError):
    """An exchange with the outside failed. It proves nothing about a domain."""


class Refused(ClientError):
    """The address, port or host is not allowed."""


class ConnectionRefused(ClientError):
    """The server refused or reset the connection: nothing listens there, a firewall rejects us, or a rate limit is passed."""


class TooLarge(ClientError):
    """The answer passed its bound in bytes, headers or hops."""


class TimedOut(ClientError):
    """The exchange passed its deadline."""


class ConnectionClosed(ClientError):
    """The server closed the connection instead of answering."""


class LoginFailed(ClientError):
    """A server with accounts does not let ours in. `code` and `message` are its own, `retry_after` is our pause in seconds."""

    def __init__(self, code: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"the server answers {code}: {message}"[:300])
        self.code = code
        self.message = message
        self.retry_after = retry_after


class NotAsked(ClientError):
    """Nothing was sent to the server: we were too busy with it ourselves."""
