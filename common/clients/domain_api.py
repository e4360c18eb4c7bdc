"""Fetches the list of names from the customer's Domain API. Synchronous, meant for a process of its own.

The API is trusted to name what to watch and with nothing else: sizes (`list_body`), time, redirects and retries are bounded, no
link-local or metadata address is asked, the token never goes to another host, and no error text shows a secret. The text is
kept in a nameless file first: most of the time it is the one we have, which its SHA-256 tells, and then it need not be read.
"""

from __future__ import annotations

import hashlib
import ssl
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from common.clients.address_guard import CustomerGuard
from common.clients.deadline_adapter import Deadline, DeadlineAdapter
from common.clients.list_body import DiskRoom, disk_errors_as_list_errors, iterate_unpacked
from common.clients.list_text import (
    DEFAULT_BOUNDS,
    LONGEST_VALIDATOR,
    NO_VERSION,
    FetchedList,
    Keeps,
    ListBounds,
    ListVersion,
    SuffixOf,
    read_json_list,
)
from common.clock import now
from common.config import Settings
from common.core.parsers.retry_after import parse_retry_after
from common.core.watchlist.domain_list import BulkBuilder
from common.errors import ListError, Refused
from common.secret_scrubber import shown_url
from common.version import user_agent

#: Longest wait that an overloaded API can ask for between two tries, in seconds.
LONGEST_WAIT = 30.0
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3


class DomainApi:
    """`DOMAIN_API_URL`. `suffix_of` is `common.suffixes.load_suffixes()`; `keeps`: which names are kept, None for all."""

    def __init__(
        self, settings: Settings, suffix_of: SuffixOf, bounds: ListBounds = DEFAULT_BOUNDS, *, keeps: Keeps | None = None
    ) -> None:
        if settings.domain_api_url is None:
            raise ListError("DOMAIN_API_URL is not set")
        self._url = settings.domain_api_url
        self._suffix_of = suffix_of
        self._bounds = bounds
        self._keeps = keeps
        self._agent = user_agent(settings.user_agent_contact)
        self._token = settings.api_auth_token
        self._guard = CustomerGuard(settings)
        self._ca_file = settings.tls_ca_file
        self._folder = settings.state_dir if settings.state_dir.is_dir() else None  # where there is room, as for the state

    @property
    def source(self) -> str:
        """Scheme and host of the URL."""
        return shown_url(self._url)

    def fetch(self, seen: ListVersion = NO_VERSION) -> FetchedList:
        """The list, or "unchanged" where it is the one of `seen`. Raises ListError with a sentence that says what to do."""
        try:
            with disk_errors_as_list_errors(), tempfile.TemporaryFile(dir=self._folder) as text:  # closing it writes, too
                found = self._download(seen, text)
                if found is None or (seen.digest and seen.digest == found.digest):
                    return FetchedList("unchanged", None, self.source, found or seen)
                text.seek(0)
                builder = BulkBuilder(self._suffix_of, keeps=self._keeps)
                read_json_list(text, builder)
                return FetchedList("new", builder.build_list(), self.source, found)
        except ListError as error:
            raise ListError(f"{self.source}: {error}") from None

    def _download(self, seen: ListVersion, text: IO[bytes]) -> ListVersion | None:
        """Put the list into `text`, unpacked, and say how to recognise it; None where the server says that it is unchanged."""
        deadline = Deadline(self._bounds.total)
        try:
            with self._session(deadline) as session, self._get(session, seen) as response:
                found = self._read(response, seen, text)
                if deadline.passed:  # a connection that it cut looks like the end of the text
                    raise self._deadline_error()
                return found
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise self._deadline_error() if deadline.passed else ListError(_explain_failure(error, self._bounds)) from None
        except Refused:
            raise ListError(CustomerGuard.REASON) from None
        except ListError:
            if deadline.passed:
                raise self._deadline_error() from None
            raise
        finally:
            deadline.end()

    def _deadline_error(self) -> ListError:
        return ListError(f"it took longer than {self._bounds.total:g} s altogether")

    def _session(self, deadline: Deadline) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # a .netrc entry would replace the token, a proxy would see it
        tls = _tls_context(self._ca_file)
        retry = _PatientRetry(
            total=3,
            backoff_factor=self._bounds.backoff,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods={"GET"},
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            session.mount(scheme, DeadlineAdapter(deadline, tls, retry, self._guard.allowed))
        return session

    def _get(self, session: requests.Session, seen: ListVersion) -> requests.Response:
        headers = {"User-Agent": self._agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        optional = {
            "Authorization": f"Bearer {self._token}" if self._token else None,
            "If-None-Match": seen.etag,
            "If-Modified-Since": seen.last_modified,
        }
        headers.update({name: value for name, value in optional.items() if value})
        url = self._url
        for _ in range(_MOST_REDIRECTS + 1):
            response = session.get(
                url, headers=headers, stream=True, allow_redirects=False, timeout=(self._bounds.connect, self._bounds.read)
            )
            if response.status_code not in _REDIRECTS:
                return response
            response.close()
            url = self._redirected(url, response.headers.get("Location", ""))
        raise ListError(f"it redirects more than {_MOST_REDIRECTS} times")

    def _redirected(self, url: str, location: str) -> str:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        upgraded = (old.scheme, new.scheme) == ("http", "https") and (old.port or 80, new.port or 443) == (80, 443)
        same = (old.scheme, old.port) == (new.scheme, new.port) or upgraded
        if not location or old.hostname != new.hostname or not same:
            raise ListError(
                f"it redirects to another host ({shown_url(target)}), which is not followed: set DOMAIN_API_URL to it"
            )
        return target

    def _read(self, response: requests.Response, seen: ListVersion, text: IO[bytes]) -> ListVersion | None:
        status = response.status_code
        if status == 304 and (seen.etag or seen.last_modified):
            return None
        if status != 200:
            raise ListError(_explain_status(status))
        digest = hashlib.sha256()
        room = DiskRoom(self._folder or Path(tempfile.gettempdir()), self._bounds)
        for data in iterate_unpacked(response, self._bounds):
            digest.update(data)
            with disk_errors_as_list_errors():
                room.take(len(data))
                text.write(data)
        with disk_errors_as_list_errors():
            text.flush()
        return ListVersion(_validator(response, "ETag"), _validator(response, "Last-Modified"), digest=digest.hexdigest())


class _PatientRetry(Retry):
    """Waits as long as the API asks, within reason; a Retry-After that makes no sense counts as none."""

    def parse_retry_after(self, retry_after: str) -> float:
        return min(LONGEST_WAIT, parse_retry_after(retry_after, now()) or 0.0)


@lru_cache(maxsize=2)
def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """What the system trusts, and `ca_file`; read once, because that takes longer than many a fetch."""
    tls = ssl.create_default_context()
    if ca_file is not None:
        tls.load_verify_locations(ca_file)
    return tls


def _validator(response: requests.Response, header: str) -> str:
    """What can be sent back one day; anything else counts as none: a request that may not be made would be the last one."""
    text = response.headers.get(header, "")
    return text if len(text) <= LONGEST_VALIDATOR and text.isprintable() and text == text.strip() else ""


def _explain_status(status: int) -> str:
    if status in {401, 403}:
        return f"it refuses the token (HTTP {status}): check API_AUTH_TOKEN"
    if status in {404, 410}:
        return f"there is no list at this address (HTTP {status}): check DOMAIN_API_URL"
    if status == 429 or status >= 500:
        return f"it answered HTTP {status}, also when asked again"
    return f"it answered HTTP {status}, expected 200"


def _explain_failure(error: BaseException, bounds: ListBounds) -> str:
    """The cause of a failed exchange in words of ours: the libraries' texts quote URLs."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"no connection within {bounds.connect:g} s"
    seen: BaseException | None = error
    for _ in range(10):
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({seen.verify_message}): see TLS_CA_FILE"
        if isinstance(seen, TimeoutError):
            return f"no answer within {bounds.read:g} s"
        if isinstance(seen, OSError) and seen.strerror:
            return f"no connection: {seen.strerror}"
        following = getattr(seen, "reason", None)
        seen = following if isinstance(following, BaseException) else seen and (seen.__cause__ or seen.__context__)
        if seen is None:
            break
    return f"the connection broke or the answer is no HTTP ({type(error).__name__})"
