"""What a shared connection named in `dagster_config` is.

To add a kind, copy the nearest file of this folder: its name is the `resource_kind` in YAML. The
fields are its `params`; templates read them as `{{resource.<kind>.<param>}}`, so none is a secret.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from odp_dlt.registry import Registry


@dataclass(frozen=True)
class Brought:
    """A workflow asset that nobody has written."""

    asset_key: str
    task_type: str
    params: Mapping[str, Any]


class Resource(BaseModel):
    """One configured connection; opens nothing until a task asks it to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def brings(self, made: Collection[str]) -> list[Brought]:
        """Workflow assets of its own, beyond those that make the keys `made`."""
        return []


resources: Registry[Resource] = Registry("resource kind", "odp_dlt.resources", Resource)
