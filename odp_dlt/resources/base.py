"""What a shared connection named in `dagster_config` is.

To add a kind, copy the nearest file of this folder: its name is the `resource_kind` in YAML. The
fields are its `params`; templates read them as `{{resource.<kind>.<param>}}`, so none is a secret.
"""

from pydantic import BaseModel, ConfigDict

from odp_dlt.registry import Registry


class Resource(BaseModel):
    """One configured connection; opens nothing until a task asks it to."""

    model_config = ConfigDict(frozen=True, extra="forbid")


resources: Registry[Resource] = Registry("resource kind", "odp_dlt.resources", Resource)
