"""Digests of the credentials of each source: the coordinator, which is given no key, notices by them that a key was corrected.

A digest is made with scrypt (RFC 7914) and a random salt that is kept in STATE_DIR, so that nothing can be looked up in a table
and guesses are slow. It is written to no log.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from common import config, log, small_files
from common.config import Settings
from common.core.builtin.registrars import REGISTRARS
from common.epp_accounts import LIMIT
from common.sources import base_url

#: The file of the salt, and its size in bytes.
SALT_FILE, SALT_SIZE = "credentials.salt", 32
#: Cost of scrypt: 16 MiB, some 50 ms a source. Bytes of a digest.
COST, BLOCK, SIZE = 1 << 14, 8, 16


def hand_down_digests(settings: Settings) -> None:
    """Tell the coordinator that this process starts or becomes the digests, unless they were handed down already.

    Where the salt cannot be read or written there are none, which is logged, and refusals are kept as they were.
    """
    if config.inherited(config.KEY_DIGESTS):
        return
    try:
        digests = digest_credentials(settings)
    except OSError as error:
        effect = "a key that was refused keeps its pause after a restart with another key"
        log.get_logger("key_digests").warning("credentials_salt_missing", why=str(error)[:300], effect=effect)
        return
    config.hand_down(config.KEY_DIGESTS, ",".join(f"{source}={digest}" for source, digest in digests.items()))


def digest_credentials(settings: Settings) -> dict[str, str]:
    """A digest by source: a registrar's method, "host:port" of EPP accounts. Raises OSError where there can be no salt."""
    found = dict(_list_credentials(settings))
    if not found:
        return {}
    salt = read_salt(settings.state_dir)
    return {source: _digest(source, texts, salt) for source, texts in found.items()}


def read_salt(state_dir: Path) -> bytes:
    """The salt of this state, made where there is none yet. Raises OSError."""
    path = state_dir / SALT_FILE
    if path.exists() and len(salt := small_files.read_bounded(path, SALT_SIZE)) == SALT_SIZE:
        return salt
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    salt = secrets.token_bytes(SALT_SIZE)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(salt)
    return salt


def _list_credentials(settings: Settings) -> Iterator[tuple[str, list[str]]]:
    """Every source with all that it is asked with: settings and base URL, or its EPP accounts."""
    for row in REGISTRARS:
        if all(getattr(settings, name.lower()) for name in row.needs):
            texts = [str(getattr(settings, name.lower())) for name in (*row.needs, *row.takes)]
            yield row.method, [*texts, base_url(settings, row)]
    for host in dict.fromkeys(account.host for account in settings.epp_accounts):
        accounts = [account for account in settings.epp_accounts if account.host == host]
        files = [_hash_files((account.certificate, account.key)) for account in accounts]
        yield host, [text for each, file in zip(accounts, files, strict=True) for text in (each.user, each.password, file)]


def _hash_files(paths: Iterable[Path | None]) -> str:
    """A hash over the content of files: a renewed certificate has the path of the one before."""
    found = hashlib.sha256()
    for path in paths:
        if path is not None and path.exists():
            found.update(small_files.read_bounded(path, LIMIT))
    return found.hexdigest()


def _digest(source: str, texts: list[str], salt: bytes) -> str:
    secret = json.dumps([source, *texts]).encode()
    return hashlib.scrypt(secret, salt=salt, n=COST, r=BLOCK, p=1, dklen=SIZE).hex()
