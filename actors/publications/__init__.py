"""The reader of publications: lists and zones that registries publish, read when they are renewed and joined to watched names.

It takes the names from the store, read-only, and for one reading at a time; a publication passes through piece by piece. What
is listed of the watched names goes to the coordinators that lead, and counts there once its last part has come. Of several
instances only the one whose coordinator leads the first shard reads: registries see one reader.

It holds nothing that a kill could lose. What was read, and how to ask for it next time, stands in small files of STATE_DIR.
"""
