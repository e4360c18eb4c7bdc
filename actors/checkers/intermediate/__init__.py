"""Layer 2: RDAP."""
