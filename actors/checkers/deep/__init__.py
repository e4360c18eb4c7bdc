"""Layer 3: WHOIS."""
