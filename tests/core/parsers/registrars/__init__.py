"""Registrars: the answers of each vendor, and the tools that read them."""
