"""Fetches the list of names: from the customer's Domain API, or from a file. Synchronous, meant for a thread.

The API is trusted to name what to watch and with nothing else: size on the wire and unpacked, time, redirects and retries are
bounded, the token never goes to another host, and no error text shows a secret.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from common.clients.deadline_adapter import Deadline, DeadlineAdapter
from common.clients.http import user_agent
from common.clients.list_json import ListReader
from common.clock import now
from common.config import Settings
from common.core.domain_list import ListBuilder, ParsedList, parse_line
from common.core.names import MAX_INPUT
from common.core.parsers.retry_after import parse_retry_after
from common.errors import ListError

SuffixOf = Callable[[str], str | None]
#: Longest wait that an overloaded API can ask for between two tries, in seconds.
LONGEST_WAIT = 30.0
_CHUNK = 1 << 16
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of the world a list may cost. Sizes in bytes, times in seconds; `total` covers retries and reading."""

    wire: int = 64 << 20
    unpacked: int = 256 << 20
    connect: float = 5.0
    read: float = 30.0
    total: float = 300.0
    backoff: float = 0.5


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A list as fetched; `parsed` is None where it is unchanged since the last fetch. `source` is fit for showing."""

    status: Literal["new", "unchanged"]
    parsed: ParsedList | None
    source: str
    etag: str | None = None
    last_modified: str | None = None


class DomainApi:
    """`DOMAIN_API_URL`. `suffix_of` is `common.suffixes.load_suffixes()`. Not for several threads at once."""

    def __init__(self, settings: Settings, suffix_of: SuffixOf, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        if settings.domain_api_url is None:
            raise ListError("DOMAIN_API_URL is not set")
        self._url = settings.domain_api_url
        self._suffix_of = suffix_of
        self._bounds = bounds
        self._agent = user_agent(settings)
        self._token = settings.api_auth_token
        self._ca_file = settings.tls_ca_file
        self._etag: str | None = None
        self._last_modified: str | None = None

    @property
    def source(self) -> str:
        """The URL without user, password and query."""
        return _shown(urlsplit(self._url))

    def forget(self) -> None:
        """Ask for the whole list next time, even if it has not changed."""
        self._etag = self._last_modified = None

    def fetch(self) -> Fetched:
        """The list, or "unchanged". Raises ListError with a sentence that says what to do."""
        deadline = Deadline(self._bounds.total)
        try:
            with self._session(deadline) as session, self._get(session) as response:
                return self._read(response)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if deadline.passed:
                raise ListError(f"{self.source} took longer than {self._bounds.total:g} s altogether") from None
            raise ListError(f"{self.source}: {_why(error, self._bounds)}") from None
        except ListError as error:
            late = deadline.passed
            text = f"it took longer than {self._bounds.total:g} s altogether" if late else str(error)
            raise ListError(f"{self.source}: {text}") from None
        finally:
            deadline.end()

    def _session(self, deadline: Deadline) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # a .netrc entry would replace the token, a proxy would see it
        tls = _trust(self._ca_file)
        retry = _PatientRetry(
            total=3,
            backoff_factor=self._bounds.backoff,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods={"GET"},
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            session.mount(scheme, DeadlineAdapter(deadline, tls, retry))
        return session

    def _get(self, session: requests.Session) -> requests.Response:
        headers = {"User-Agent": self._agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        optional = {
            "Authorization": f"Bearer {self._token}" if self._token else None,
            "If-None-Match": self._etag,
            "If-Modified-Since": self._last_modified,
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
            raise ListError(f"it redirects to another host ({_shown(new)}), which is not followed: set DOMAIN_API_URL to it")
        return target

    def _read(self, response: requests.Response) -> Fetched:
        status = response.status_code
        if status == 304 and (self._etag or self._last_modified):
            return Fetched("unchanged", None, self.source, self._etag, self._last_modified)
        if status != 200:
            raise ListError(_refusal(status))
        builder = ListBuilder(self._suffix_of)
        reader = ListReader(builder)
        for data in _unpacked(response, self._bounds):
            reader.feed(data)
        reader.close()
        parsed = builder.finish()
        self._etag = response.headers.get("ETag")
        self._last_modified = response.headers.get("Last-Modified")
        return Fetched("new", parsed, self.source, self._etag, self._last_modified)


class FileList:
    """`DOMAIN_LIST_FILE`: one name a line (see `common.core.domain_list.parse_line`), or the JSON of the Domain API."""

    def __init__(self, path: Path, suffix_of: SuffixOf, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._path = path
        self._suffix_of = suffix_of
        self._bounds = bounds
        self._version: tuple[int, int, int] | None = None

    @property
    def source(self) -> str:
        """The path."""
        return str(self._path)

    def forget(self) -> None:
        """Read the whole file next time, even if it has not changed."""
        self._version = None

    def fetch(self) -> Fetched:
        """The list, or "unchanged" while size and modification time are the same. Raises ListError."""
        try:
            return self._fetch()
        except FileNotFoundError:
            advice = "create it with one name a line, or set DOMAIN_LIST_FILE or DOMAIN_API_URL"
            raise ListError(f"{self.source} does not exist: {advice}") from None
        except OSError as error:
            raise ListError(f"{self.source} cannot be read: {error.strerror}") from None
        except ListError as error:
            raise ListError(f"{self.source}: {error}") from None

    def _fetch(self) -> Fetched:
        if self._path.exists() and not self._path.is_file():
            raise ListError("it is not a regular file")
        before = self._path.stat()
        version = (before.st_mtime_ns, before.st_size, before.st_ino)
        if version == self._version:
            return Fetched("unchanged", None, self.source)
        if before.st_size > self._bounds.unpacked:
            raise ListError(f"{before.st_size} bytes, at most {self._bounds.unpacked} are read")
        builder = ListBuilder(self._suffix_of)
        with self._path.open("rb") as stream:
            start = stream.read(_CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip()
            stream.seek(0)
            if start[:1] in {b"{", b"["}:
                _read_json(stream, builder)
            else:
                _read_lines(stream, builder)
        parsed = builder.finish()
        self._version = version
        return Fetched("new", parsed, self.source)


class _PatientRetry(Retry):
    """Waits as long as the API asks, within reason; a Retry-After that makes no sense counts as none."""

    def parse_retry_after(self, retry_after: str) -> float:
        return min(LONGEST_WAIT, parse_retry_after(retry_after, now()) or 0.0)


@lru_cache(maxsize=2)
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """What the system trusts, and `ca_file`; read once, because that takes longer than many a fetch."""
    tls = ssl.create_default_context()
    if ca_file is not None:
        tls.load_verify_locations(ca_file)
    return tls


def _read_json(stream: Any, builder: ListBuilder) -> None:
    reader = ListReader(builder)
    while data := stream.read(_CHUNK):
        reader.feed(data)
    reader.close()


def _read_lines(stream: Any, builder: ListBuilder) -> None:
    first = True
    longest = MAX_INPUT * 4
    while raw := stream.readline(longest):
        whole = raw.endswith(b"\n") or len(raw) < longest
        while not whole:
            rest = stream.readline(longest)
            whole = rest.endswith(b"\n") or len(rest) < longest
        text = raw.decode("utf-8", "replace")
        entry = parse_line(text.removeprefix("\ufeff") if first else text)
        first = False
        if entry is not None:
            builder.add(entry)


def _unpacked(response: requests.Response, bounds: Bounds) -> Iterator[bytes]:
    """The body, unpacked, in pieces; bounded on the wire and after unpacking, whatever the headers promise."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip"}:
        raise ListError(f"it is encoded as {encoding[:30]!r}, which was not asked for (gzip was)")
    pieces = _wire(response, bounds.wire)
    size = 0
    for data in _gunzip(pieces) if "gzip" in encoding else pieces:
        size += len(data)
        if size > bounds.unpacked:
            raise ListError(f"larger than {bounds.unpacked} bytes unpacked")
        yield data


def _wire(response: requests.Response, limit: int) -> Iterator[bytes]:
    size = 0
    while data := response.raw.read(_CHUNK, decode_content=False):
        size += len(data)
        if size > limit:
            raise ListError(f"larger than {limit} bytes")
        yield data


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            data = piece
            while data:
                if unpacker.eof:  # several members in a row are one text (RFC 1952 section 2.2)
                    unpacker = zlib.decompressobj(wbits=31)
                yield unpacker.decompress(data, _CHUNK)
                data = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        while not unpacker.eof and (rest := unpacker.decompress(b"", _CHUNK)):
            yield rest
    except zlib.error as error:
        raise ListError(f"not valid gzip: {error}") from None
    if not unpacker.eof:
        raise ListError("the gzip data ends too early")


def _refusal(status: int) -> str:
    if status in {401, 403}:
        return f"it refuses the token (HTTP {status}): check API_AUTH_TOKEN"
    if status in {404, 410}:
        return f"there is no list at this address (HTTP {status}): check DOMAIN_API_URL"
    if status == 429 or status >= 500:
        return f"it answered HTTP {status}, also when asked again"
    return f"it answered HTTP {status}, expected 200"


def _why(error: BaseException, bounds: Bounds) -> str:
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


def _shown(url: SplitResult) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://{url.hostname or ''}{port}{url.path[:200]}"
