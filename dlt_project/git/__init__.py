"""The history of a local git repository."""
