"""What an asset can do; one file a task type."""
