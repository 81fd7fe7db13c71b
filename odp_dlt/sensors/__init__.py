"""What can start a job: one file a kind of sensor."""
