"""What a table is: values only, no I/O but the schema file."""
