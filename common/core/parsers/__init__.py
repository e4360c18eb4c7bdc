"""What does an answer say? One parser for each kind of answer: DNS, RDAP, WHOIS, DAS, registrar API, web server.

Each is total: any bytes give a `Reading`, and only proof gives an outcome other than unknown. They own no state. They must not
know which server was asked for which reason, what was answered before, or what is asked next.
"""
