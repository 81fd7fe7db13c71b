"""The `odp` command; one file a group of commands."""
