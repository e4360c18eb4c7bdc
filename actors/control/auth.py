"""Authorization: which calls are allowed, by their credentials, their headers and the address they come from.

A call without a token has to come from this machine and name it as CONTROL_ALLOWED_HOSTS does; from elsewhere it needs one.
What another site makes a browser do is refused wherever the browser adds something by itself: its place, or a password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum

from actors.control.http_problems import Problem
from common.http_authority import host_of


class Access(Enum):
    """What a call needs."""

    OPEN = "open"  # answered to anything that connects: /health and /ready
    READ = "read"
    CHANGE = "change"


class Permission(IntEnum):
    """What a token allows."""

    NONE = 0
    READ = 1
    ALL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What is looked at of a request. `peer` is the socket's peer name; headers as they came, in all their lines."""

    peer: object
    hosts: tuple[str, ...] = ()
    authorization: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    site: str | None = None  # Sec-Fetch-Site
    mode: str | None = None  # Sec-Fetch-Mode
    accept: str = ""
    forwarded: bool = False  # came through a proxy, which says so

    @property
    def navigates(self) -> bool:
        """Whether a browser opens a page; over plain HTTP to another machine browsers send no Sec-Fetch headers."""
        return self.mode == "navigate" if self.mode is not None else "text/html" in self.accept.lower()


class AccessPolicy:
    """The rules of one instance. `local` says whether a peer is at this machine."""

    def __init__(
        self,
        *,
        control_token: str | None,
        read_token: str | None,
        allowed_hosts: Iterable[str],
        local: Callable[[object], bool],
    ) -> None:
        tokens = ((control_token, Permission.ALL), (read_token, Permission.READ))
        self._tokens = [(_digest(token), right) for token, right in tokens if token]
        self._change_needs_token = bool(control_token)
        self._hosts = frozenset(allowed_hosts)
        self.is_local = local

    def require_access(self, call: RequestFacts, access: Access) -> None:
        """Let the call pass, or raise the Problem that says what is missing."""
        if access is Access.OPEN:
            return
        right, by_password = self._find_permission(call.authorization)
        if right is Permission.ALL or (right is Permission.READ and access is Access.READ):
            if by_password or access is Access.CHANGE:
                _require_own_site(call, access, proven=by_password and access is Access.CHANGE)
            return
        _require_own_site(call, access)
        if access is Access.CHANGE and right is Permission.READ and self._change_needs_token:
            raise Problem(403, "READ_TOKEN is for reading; this call needs CONTROL_TOKEN.", code="read_only")
        if access is Access.CHANGE and self._change_needs_token:
            raise self._demand_token(call, access)
        if call.forwarded or not self.is_local(call.peer):
            raise self._refuse_remote(call, access)
        self._check_host(call)

    def _find_permission(self, headers: tuple[str, ...]) -> tuple[Permission, bool]:
        """What the credentials allow, and whether they came as a password, which browsers send by themselves."""
        if len(headers) != 1:
            return Permission.NONE, False
        scheme, _, given = headers[0].partition(" ")
        by_password = scheme.lower() == "basic"
        if not by_password and scheme.lower() != "bearer":
            return Permission.NONE, False
        theirs = _digest(_decode_password(given) if by_password else given.strip())
        # Digests of equal length, and every token compared: the time it takes says nothing about the token.
        rights = [right for mine, right in self._tokens if hmac.compare_digest(mine, theirs)]
        return max(rights, default=Permission.NONE), by_password

    def _refuse_remote(self, call: RequestFacts, access: Access) -> Problem:
        if access is Access.CHANGE or not self._tokens:
            name = "CONTROL_TOKEN" if access is Access.CHANGE else "READ_TOKEN or CONTROL_TOKEN"
            return Problem(403, f"Calls from other machines need a token: set {name} to allow them.", code="no_token")
        return self._demand_token(call, access)

    def _demand_token(self, call: RequestFacts, access: Access) -> Problem:
        name = "CONTROL_TOKEN" if access is Access.CHANGE else "READ_TOKEN or CONTROL_TOKEN"
        # A challenge for a password makes browsers ask for one: right for a page that is opened, a nuisance for its scripts.
        challenges = ['Bearer realm="domain-monitor"']
        if call.navigates:
            challenges.append('Basic realm="domain-monitor: the token as password", charset="UTF-8"')
        return Problem(
            401,
            f"This call needs the header 'Authorization: Bearer' with the value of {name}.",
            code="token_needed",
            headers=[("WWW-Authenticate", challenge) for challenge in challenges],  # browsers take one from a line
        )

    def _check_host(self, call: RequestFacts) -> None:
        # A foreign site can point its own name at this machine (DNS rebinding) and is then "the same origin" to a browser.
        name = host_of(call.hosts[0]) if len(call.hosts) == 1 else None
        if name is None or name not in self._hosts:
            raise Problem(
                403,
                "Without a token a call has to name this host as CONTROL_ALLOWED_HOSTS does; if it is right, add it there.",
                code="bad_host",
            )


def _require_own_site(call: RequestFacts, access: Access, *, proven: bool = False) -> None:
    """Refuse what another site makes a browser do; `proven` also what does not show that it comes from our own pages."""
    if call.site is not None and call.site not in {"none", "same-origin"}:
        # Opening a page from a link shows it to its reader alone.
        if access is Access.READ and call.mode == "navigate":
            return
        raise _cross_site_problem()
    if call.origins and not (len(call.origins) == len(call.hosts) == 1 and _is_same_origin(call.origins[0], call.hosts[0])):
        raise _cross_site_problem()
    if proven and call.site is None and not call.origins:
        raise Problem(
            403,
            "A change by password has to come from the dashboard; elsewhere send the token as 'Authorization: Bearer'.",
            code="cross_site",
        )


def _cross_site_problem() -> Problem:
    return Problem(403, "Calls from another site are refused.", code="cross_site")


def _is_same_origin(origin: str, host: str) -> bool:
    scheme, found, authority = origin.partition("://")
    return bool(found) and scheme in {"http", "https"} and host_of(authority) is not None and authority.lower() == host.lower()


def _decode_password(given: str) -> str:
    try:
        text = base64.b64decode(given.strip(), validate=True).decode()
    except (ValueError, binascii.Error):
        return ""
    return text.partition(":")[2]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
