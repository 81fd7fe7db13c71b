"""Shared connections named in dagster_config; one file a kind."""
