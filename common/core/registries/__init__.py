"""Which names can exist, and which servers are authoritative for a suffix? Names, servers, operators and addresses.

It owns the parsing of registrable names, the directory of RDAP and WHOIS servers, the operators with their limits, and what is
known of each suffix's name servers. It must not know what an answer means for a name, or when a name is checked.
"""
