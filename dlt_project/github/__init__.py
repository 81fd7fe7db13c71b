"""Pull requests of a GitHub repository."""
