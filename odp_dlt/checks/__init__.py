"""What can be said of the tables that a run has made. None of the checks knows Dagster."""
