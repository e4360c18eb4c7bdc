"""One-time passwords and signatures of registrars' APIs, against published examples."""

from __future__ import annotations

import pytest

from actors.checkers.intermediate.registrar.inwx import compute_one_time_password
from actors.checkers.intermediate.registrar.route53 import sign_call
from common.config import load
from common.errors import ConfigError


@pytest.mark.parametrize(
    ("now", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890.9, "005924"), (20000000000, "353130")],
)
def test_one_time_passwords_are_those_of_rfc_6238(now: float, code: str) -> None:
    """Appendix B, the last six digits; its secret is "12345678901234567890"."""
    assert compute_one_time_password("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now) == code


@pytest.mark.parametrize(
    ("text", "value"),
    [("jbsw y3dp ehpk 3pxp", "JBSWY3DPEHPK3PXP"), ("JBSWY3DPEHPK3PXPJBSWY3DPFI======", "JBSWY3DPEHPK3PXPJBSWY3DPFI")],
)
def test_a_shared_secret_may_be_written_in_groups(text: str, value: str) -> None:
    """With padding or without."""
    assert load({"INWX_SHARED_SECRET": text}).inwx_shared_secret == value


@pytest.mark.parametrize("text", ["JBSWY3DP", "JBSWY3DPEHPK3PX1", "JBSWY3DPEHPK3PXPA", "é" * 16, "A" * 400])
def test_a_shared_secret_that_is_none_stops_the_start(text: str) -> None:
    """Without repeating it."""
    with pytest.raises(ConfigError, match="base32") as caught:
        load({"INWX_SHARED_SECRET": text})
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "signature"),
    [
        ("", "1386e9e3a10a2938a04abf94fdcab7c07e2647dd6d5b72046cacd531796e7c12"),
        ("SESSIONTOKENEXAMPLE", "d573ceb2e68fd7c0005e7c2bca53a9eb2b00fec2d5aa138c829ee69cf320dc3e"),
    ],
)
def test_calls_are_signed_as_amazons_own_library_signs_them(token: str, signature: str) -> None:
    """Made with botocore 1.44.8, with the example keys of Amazon's documentation."""
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": "route53domains.us-east-1.amazonaws.com",
        "x-amz-date": "20261130T090807Z",
        "x-amz-target": "Route53Domains_v20140515.CheckDomainAvailability",
        **({"x-amz-security-token": token} if token else {}),
    }
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    signed = sign_call("AKIDEXAMPLE", secret, "/", headers, b'{"DomainName": "brand-new.com"}')

    scope = "Credential=AKIDEXAMPLE/20261130/us-east-1/route53domains/aws4_request"
    assert signed == f"AWS4-HMAC-SHA256 {scope}, SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"
