"""Registrars' availability APIs: every file is the method "registrar:<file>"."""
