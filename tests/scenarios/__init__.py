"""Scenarios: every known cause of a false "available", and every honest drop, through the real processes against the lab."""
