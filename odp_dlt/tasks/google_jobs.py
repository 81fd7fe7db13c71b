"""Jobs of BigQuery: their configuration as YAML has it, and waiting for them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from odp_dlt.resources.google_client import google
from odp_dlt.tasks.params import ParamError

POLL_S = 1.0


def job_config(kind: str, params: Mapping[str, Any]) -> Any:
    """The client's class `kind` with `params`; ParamError for one that it does not take."""
    bigquery = google("google.cloud.bigquery", "bigquery")
    config = getattr(bigquery, kind)()
    for name, value in params.items():
        path = ("job_config_params", name)
        try:
            if name == "_schema":
                config.schema = [bigquery.SchemaField(**field) for field in value]
            elif name == "_time_partitioning":
                config.time_partitioning = bigquery.TimePartitioning(**value)
            else:
                setattr(config, name, value)
        except (AttributeError, TypeError, ValueError) as e:
            raise ParamError(f"{kind} of BigQuery does not take '{name}': {e}", path) from e
    return config


def finished(job: Any, progress: Callable[[str], None]) -> None:
    """Wait until the job is done, so that the run can be cancelled; then so is the job."""
    try:
        while not job.done():
            progress(f"BigQuery job {job.job_id}: {job.state}")
            time.sleep(POLL_S)
    except BaseException as e:
        if not isinstance(e, Exception):  # the run is cancelled
            job.cancel()
        raise
    job.result()
