"""Nested data into Dagster: YAML workflow assets and an embedded, dlt-compatible load engine."""

__version__ = "0.1.0"
