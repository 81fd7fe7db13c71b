"""Arrow tables reach the places they are loaded to; one file a destination."""
