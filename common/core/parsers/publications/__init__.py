"""What does a publication of a registry say? One streaming reader for each form: bytes in, names out, bounded in everything.

`open_list` chooses the reader of a publication. Names come as they are read; whether they may be used is known only when
`finish` has returned: it raises PublicationError where the list is not whole. A reader that has raised is of no further use.
"""
