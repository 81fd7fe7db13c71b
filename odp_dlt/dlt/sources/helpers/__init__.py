"""What sources use to fetch."""
