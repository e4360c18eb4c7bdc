"""Amazon Route 53 Domains: one name in a call that is signed with AWS Signature Version 4 (docs.aws.amazon.com)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured

#: The only region of this service.
_REGION, _SERVICE = "us-east-1", "route53domains"
_ALGORITHM = "AWS4-HMAC-SHA256"


def create(context: Context) -> Route53Adapter | None:
    """The checker of this file; None without keys."""
    return Route53Adapter(context) if is_configured(context, Route53Adapter.vendor) else None


class Route53Adapter(RegistrarAdapter):
    """Asks `CheckDomainAvailability`."""

    vendor = "route53"

    def build_call(self, names: Sequence[str]) -> Call:
        """One signed POST for one name."""
        body = json.dumps({"DomainName": names[0]}).encode()
        target = urlsplit(f"{self.url}/")
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": target.netloc,
            "x-amz-date": datetime.fromtimestamp(self.now(), UTC).strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-target": "Route53Domains_v20140515.CheckDomainAvailability",
        }
        if self.settings.route53_session_token:
            headers["x-amz-security-token"] = self.settings.route53_session_token
        key, secret = str(self.settings.route53_access_key_id), str(self.settings.route53_secret_access_key)
        return Call("POST", "/", {**headers, "authorization": sign_call(key, secret, target.path, headers, body)}, body)


def sign_call(key: str, secret: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """The Authorization header of a POST without a query, by AWS Signature Version 4. `headers`, in lower case, are all signed.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    request = "\n".join(("POST", path, "", lines, ";".join(names), sha256(body).hexdigest()))
    moment = headers["x-amz-date"]
    scope = f"{moment[:8]}/{_REGION}/{_SERVICE}/aws4_request"
    text = "\n".join((_ALGORITHM, moment, scope, sha256(request.encode()).hexdigest()))
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    return f"{_ALGORITHM} Credential={key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
