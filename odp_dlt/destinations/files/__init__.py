"""The parts of the `filesystem` destination: where files lie, what is in them, which of them count."""
