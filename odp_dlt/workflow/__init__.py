"""YAML becomes validated models; knows neither Dagster nor the engine."""
