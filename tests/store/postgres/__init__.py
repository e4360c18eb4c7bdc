"""The store on PostgreSQL, and nothing else: sessions, epochs, spans, errors. What holds of every store is in the contracts."""
