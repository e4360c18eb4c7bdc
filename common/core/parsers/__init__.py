"""Parsers of outside answers. Each is total: any bytes give a Reading, and nothing but proof gives a verdict."""
