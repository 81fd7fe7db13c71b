"""How a dlt asset loads: `pipeline_params` and `run_params`, and what a launch can say."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from odp_dlt.schema.model import Disposition
from odp_dlt.tasks.base import LaunchParam

REFRESH = LaunchParam(
    ("run_params", "refresh"),
    str,
    "What to forget before the load, in the same commit: nothing (`none`), only where cursors "
    "stand (`state`), all rows too (`data`), or the tables themselves (`table`).",
    "refresh",
    {"none": None, "state": "drop_state", "data": "drop_data", "table": "drop_resources"},
)
LIMIT = LaunchParam(
    ("run_params", "limit"),
    int,
    "Take at most so many rows. No cursor moves: the next run gets all rows that this one could.",
    "limit",
)


class PipelineParams(BaseModel):
    """Where the tables go, and under which name the pipeline keeps its state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_name: str
    pipeline_name: str | None = None


class RunParams(BaseModel):
    """How a load treats what is there already; None leaves it to the resource.

    `allow_empty` lets a replace, or the scd2 of a whole snapshot, end all that is there when the
    source brings no rows; else that is an error. `refresh` is for every run: of one, whoever
    launches it decides. With a `limit` a run takes so many rows at most, and no cursor moves.

    Of a partition, `window` says whether its time is the range of the source's incrementals, and
    `rerun` whether rows that an earlier load appended for it give way when it is loaded again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    write_disposition: Disposition | None = None
    allow_empty: bool = False
    refresh: Literal["drop_sources", "drop_resources", "drop_data", "drop_state"] | None = None
    limit: int | None = Field(None, ge=1)
    window: Literal["incremental", "ignore"] = "incremental"
    rerun: Literal["replace", "append"] = "replace"
