"""The XML namespaces of EPP, of domains, of prices, and of long passwords (RFC 5730, RFC 5731, RFC 8748, RFC 8807)."""

EPP = "urn:ietf:params:xml:ns:epp-1.0"
DOMAIN = "urn:ietf:params:xml:ns:domain-1.0"
FEE = "urn:ietf:params:xml:ns:epp:fee-1.0"
LOGIN_SECURITY = "urn:ietf:params:xml:ns:epp:loginSec-1.0"
