"""One file or folder per kind of process: thin loops that receive, ask the core, and perform what it says."""
