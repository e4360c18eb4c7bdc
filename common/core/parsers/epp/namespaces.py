"""The XML namespaces of EPP, of domains, and of prices (RFC 5730, RFC 5731, RFC 8748)."""

EPP = "urn:ietf:params:xml:ns:epp-1.0"
DOMAIN = "urn:ietf:params:xml:ns:domain-1.0"
FEE = "urn:ietf:params:xml:ns:epp:fee-1.0"
