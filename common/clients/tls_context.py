"""What connections over TLS trust, and the certificate that they show."""

from __future__ import annotations

import ssl
from pathlib import Path

from common.errors import ConfigError


def create_tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Trusts what the system trusts, and `ca_file` (PEM). Raises ConfigError where the file holds no certificates."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(ca_file))
        except (OSError, ssl.SSLError) as error:
            raise ConfigError([f"TLS_CA_FILE: {ca_file} holds no certificates: {error}"]) from error
    return context


def load_client_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None, setting: str) -> None:
    """Show this certificate (PEM) to servers; `key` None where the file holds the key too. Raises ConfigError."""
    try:
        # The empty password keeps OpenSSL from asking for one on the terminal where a key is encrypted.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise ConfigError([f"{setting}: {certificate} holds no certificate with its key: {reason}"]) from error
