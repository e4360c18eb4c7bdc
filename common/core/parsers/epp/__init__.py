"""EPP, the protocol between registrars and registries (RFC 5730, 5731 and 5734, RFC 8748 for prices), for checking names only.

`frames` and `commands` make what is sent, `responses` reads what every answer has, `check_answer` what one says about names,
`reasons` why a name cannot be created. `<check>` is the only query that says whether a name can be created now.
"""
