"""Whether a server is telling the truth.

A canary is a query whose right answer is known: about a name known to be registered, or about a random label. The room owns
what each server's canaries showed (`server_trust`), which are on their way and which names wait for them (`canaries`), disputes
about a canary, and the names that serve as canaries. Its doors are `canaries.Canaries` and `early_canaries.EarlyCanaries`; it
takes no verdict and records none, but returns a `CanaryOutcome`.
"""
