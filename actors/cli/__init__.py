"""The console script: one subcommand per actor and per tool."""
