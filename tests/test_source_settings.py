"""Settings of sources: what would send a key astray, or have no effect, stops the start and is told by its vendor."""

from __future__ import annotations

import pytest

from common.config import load
from common.errors import ConfigError


def problem(**environ: str) -> str:
    """The one sentence that `load` has against these settings."""
    with pytest.raises(ConfigError) as caught:
        load(environ)
    (found,) = caught.value.problems
    return found


def urls(text: str, allowed: str = "") -> dict[str, str]:
    """The base URLs by vendor."""
    return dict(load({"REGISTRAR_URLS": text, "ALLOWED_PRIVATE_NETWORKS": allowed}).registrar_urls)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://hunter:secret22@h.example", "must not have a user or a password"),
        ("https://hunter@h.example", "must not have a user or a password"),
        ("https://@h.example", "must not have a user or a password"),
        ('https://hunter:sec"ret22@h.example', "must not have a user or a password"),
        ("https://hunter:secret/22@h.example", "must be an absolute http:// or https:// URL"),
        ("https://h.example/?x=hunter", "must not have a query or a fragment"),
        ("https://h.example/?", "must not have a query or a fragment"),
        ("https://h.example/#hunter", "must not have a query or a fragment"),
        ("https://h.example#/", "must not have a query or a fragment"),
        ("ftp://hunter.example", "must be an absolute http:// or https:// URL"),
        ("", "must be an absolute http:// or https:// URL"),
    ],
)
def test_a_base_url_that_no_path_can_follow_is_refused(url: str, said: str) -> None:
    """By its vendor, and nothing of it is repeated."""
    found = problem(REGISTRAR_URLS=f"gandi=https://other.example,NameCom={url}")

    assert found.startswith(f"REGISTRAR_URLS: the URL of namecom {said}")
    assert not any(part in found for part in ("hunter", "ret", "22", "other", "example"))


@pytest.mark.parametrize("again", ["namecom=https://b.example", "NAMECOM = https://a.example"])
def test_two_urls_for_one_registrar_are_refused(again: str) -> None:
    """Else one of them would silently have no effect."""
    found = problem(REGISTRAR_URLS=f"namecom=https://a.example,gandi=https://a.example,{again}")

    assert found == "REGISTRAR_URLS: namecom has two URLs: a registrar can have one"


@pytest.mark.parametrize(
    ("text", "said"), [("https://a.example", "must be vendor=URL"), ("acme=https://a.example", "no such registrar: 'acme'")]
)
def test_a_url_needs_a_registrar(text: str, said: str) -> None:
    """One that is known."""
    assert problem(REGISTRAR_URLS=text).startswith(f"REGISTRAR_URLS: {said}")


@pytest.mark.parametrize(
    "host",
    ["h.example", "8.8.8.8", "10.0.0.1", "[::2]", "[2001:db8::1]", "128.0.0.1", "localhost.example", "localhost.", "127.1"],
)
def test_http_to_another_host_is_refused(host: str) -> None:
    """Keys would be sent in clear text."""
    found = problem(REGISTRAR_URLS=f"gandi=https://h.example,namecom=http://{host}/x", ALLOWED_PRIVATE_NETWORKS="10.1.0.0/16")

    assert found.startswith("REGISTRAR_URLS: the URL of namecom must be https")


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8080", "127.0.0.1", "127.255.255.255:1", "[::1]", "[::1]:80", "10.1.2.3", "[fd00::5]:8"]
)
def test_http_is_for_this_host_and_networks_that_are_allowed(host: str) -> None:
    """What never leaves the machine, and what the operator vouches for."""
    assert urls(f"namecom=http://{host}/x", "10.1.0.0/16,fd00::/8") == {"namecom": f"http://{host}/x"}


def test_several_base_urls_are_kept_without_final_slashes() -> None:
    """Each with its port and path."""
    found = urls("NameCom=https://proxy.example/namecom/, gandi = https://8.8.8.8:8443//")

    assert found == {"namecom": "https://proxy.example/namecom", "gandi": "https://8.8.8.8:8443"}
    assert urls("") == {}


@pytest.mark.parametrize("text", ["banana", "::1", "192.0.2", "192.0.2.256", "192.0.2.7:80", "192.0.2.0/24", "0192.0.2.7"])
def test_the_address_for_namecheap_is_an_ipv4_address(text: str) -> None:
    """Any other is refused with each call."""
    assert problem(NAMECHEAP_CLIENT_IP=text) == f"NAMECHEAP_CLIENT_IP: must be an IPv4 address such as 192.0.2.1, not {text!r}"
    assert load({"NAMECHEAP_CLIENT_IP": "192.0.2.7"}).namecheap_client_ip == "192.0.2.7"
    assert load({}).namecheap_client_ip is None
