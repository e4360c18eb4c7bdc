"""Answers: which names can exist, which servers speak for a suffix, and does its zone answer for every name.

It owns the directory of RDAP and WHOIS servers, budgets by operator, the number of name server addresses of each suffix, the
measured wildcard zones, and IANA's referrals. The door is `registries.Registries`; `registrable_names` reads names by itself.
"""
