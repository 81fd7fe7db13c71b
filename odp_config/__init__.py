"""The worked example: workflow files, and the Dagster definitions made of them."""
