"""Pages of nested rows become flat Arrow tables."""
