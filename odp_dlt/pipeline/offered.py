"""What dlt's pipelines and datasets have and these have not: told when it is asked for, by name."""

LOOK = "docs/dlt-compatibility.md lists what is offered, and what to use instead"


def not_offered(name: str) -> AttributeError:
    """The error for an attribute of dlt's that is not here."""
    return AttributeError(f"{name} is not offered by odp_dlt: {LOOK}")
