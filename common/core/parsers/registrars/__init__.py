"""What does a registrar's API answer say about each name that was asked for? One file per vendor.

`findings` is what every vendor's answer is mapped to, `members` reads decoded JSON without trusting it. The door is
`common.core.parsers.registrar`.
"""
