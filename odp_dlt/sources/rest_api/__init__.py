"""An API described by a dict: its resources, how they depend on each other, where they go on."""
