"""Registrars' availability APIs as the vendors document them, with their quirks and failures: one file per vendor."""
