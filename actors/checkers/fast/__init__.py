"""Layer 1: DNS and HTTP."""
