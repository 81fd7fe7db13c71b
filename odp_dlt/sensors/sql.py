"""`sensor_kind: sql`: a query gives another result than before."""

import hashlib
from datetime import date, time
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from odp_dlt.destinations.base import Destination, destinations
from odp_dlt.errors import ConfigError, DestinationBusy, SourceError
from odp_dlt.registry import nearest
from odp_dlt.resources.duckdb import DuckDB
from odp_dlt.sensors.base import Project, Site, Value, Watch, settings_of
from odp_dlt.sensors.changes import Changes, State
from odp_dlt.settings import anchored

if TYPE_CHECKING:
    import pyarrow as pa

WAIT_S = 20.0
MOST_ROWS = 10_000


class Sql(Changes):
    """`query` is a SELECT in the DuckDB database of the resource `resource`, or in the dataset
    `dataset_name` of a destination. A result without rows starts nothing.

    `columns` are those columns of the first row that templates name as `{{sensor.COLUMN}}`.
    """

    query: str
    resource: str | None = None
    destination: str | None = None
    destination_params: dict[str, Any] = Field(default_factory=dict, repr=False)
    dataset_name: str | None = None
    columns: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.resource is None) == (self.destination is None):
            raise ValueError("give either `resource` or `destination`")
        if (self.destination is None) != (self.dataset_name is None):
            raise ValueError("`destination` and `dataset_name` belong together")
        return self

    def value_names(self) -> frozenset[str]:
        """The columns that are listed."""
        return frozenset(self.columns)

    def check(self, project: Project) -> None:
        """That the resource, or the destination, is one."""
        if self.resource is not None:
            self._resource(project.site)
        else:
            self._destination(project.site)

    def look(self, watch: Watch) -> State:
        """The result's hash. SourceError for a query that fails or gives too much."""
        if self.resource is not None and not _is_there(self._resource(watch.site)):
            return State(None, "the database file is not there yet", {})
        try:
            found = self._result(watch.site)
        except DestinationBusy as e:
            return State(None, f"the database is busy: {e.message}", {})
        if found.num_rows > MOST_ROWS:
            raise SourceError(
                f"the query of the sensor gives {found.num_rows} rows, more than {MOST_ROWS}",
                hint="Let it aggregate, such as to a count or the latest time.",
            )
        if not found.num_rows:
            return State(None, "the query gives no rows", {})
        rows = found.to_pylist()
        order = sorted(repr(list(row.items())) for row in rows)  # a database promises none
        version = hashlib.sha256("\n".join(order).encode()).hexdigest()
        return State(version, "the query gives the same as before", self._values(rows[0]))

    def _values(self, row: dict[str, Any]) -> dict[str, Value]:
        for name in self.columns:
            if name not in row:
                message = f"the query of the sensor gives no column '{name}'"
                raise SourceError(message, hint=nearest(name, row))
        return {name: _plain(row[name]) for name in self.columns}

    def _result(self, site: Site) -> "pa.Table":
        if self.resource is not None:
            import duckdb

            try:
                resource = self._resource(site).model_copy(update={"wait_s": WAIT_S})
                with resource.connection(write=False) as con:
                    return con.sql(self.query).to_arrow_table()
            except duckdb.Error as e:
                raise SourceError(f"DuckDB refuses the query of the sensor: {e}") from e
        target = self._destination(site).with_settings(settings_of(site))
        if "wait_s" in type(target).model_fields:
            target = target.model_copy(update={"wait_s": WAIT_S})
        with target.open(self.dataset_name or "", write=False) as session:
            return session.select(self.query)

    def _resource(self, site: Site) -> DuckDB:
        found = site.resources.get(self.resource or "")
        if found is None:
            message = f"no resource '{self.resource}' is configured"
            raise ConfigError(message, hint=nearest(self.resource or "", site.resources))
        if not isinstance(found, DuckDB):
            raise ConfigError(f"the resource '{self.resource}' is no DuckDB database")
        return found

    def _destination(self, site: Site) -> Destination:
        kind = destinations.find(self.destination or "")
        try:
            return anchored(kind, self.destination_params, site.root)
        except ValueError as e:
            raise ConfigError(f"these are no params of '{self.destination}': {e}") from e


def _is_there(resource: DuckDB) -> bool:
    return resource.database == ":memory:" or resource.database.exists()


def _plain(value: Any) -> Value:
    """What run config can hold: moments as ISO text, other things as text."""
    if isinstance(value, date | time):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
