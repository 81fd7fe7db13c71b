"""The parts of the `filesystem` destination: where files lie, what they hold, which count."""
