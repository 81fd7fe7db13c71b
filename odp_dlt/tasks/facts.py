"""What is told of each table of a load; the names are what templates and checks can name."""

from dataclasses import dataclass, field
from typing import Any

from odp_dlt.pipeline.info import LoadInfo, TableLoad
from odp_dlt.tasks.base import Markdown
from odp_dlt.tasks.drift import Drift
from odp_dlt.tasks.summary import summary


@dataclass(frozen=True)
class Facts:
    """The numbers of one load of one resource. `main` is the table that the asset is named after;
    `tables` are all that are assets. `of_partition` says that it was the load of a single one.
    """

    info: LoadInfo
    resource: str
    main: str
    tables: frozenset[str]
    drift: Drift = field(default_factory=Drift)
    of_partition: bool = False

    def of(self, name: str) -> dict[str, Any]:
        """The metadata of the table `name`, if it does not exist too."""
        info = self.info
        table = info.tables.get(name)
        rows = 0 if table is None else table.rows
        return {
            **(self._address(table) if table is not None else {}),
            "destination_name": info.destination_name,
            "dataset_name": info.dataset_name,
            "load_id": info.load_id,
            "dagster/row_count": 0 if table is None else table.total,
            "rows_loaded": rows,
            **({"dagster/partition_row_count": rows} if self.of_partition else {}),
            "bytes_loaded": 0 if table is None else table.size,
            "rows_extracted": self._extracted(name),
            "rows_rejected": self._rejected(name),
            "values_rejected": self._values_rejected(name),
            **(self._of_all() if name == self.main else self._own(name)),
            "started_at": info.started_at,
            "finished_at": info.finished_at,
            **{f"{phase}_s": round(seconds, 3) for phase, seconds in info.seconds.items()},
        }

    def _address(self, table: TableLoad) -> dict[str, Any]:
        in_files = self.info.pipeline.destination.holds_files
        return {
            "destination_table_id": table.address,
            **({"destination_file_uri": table.address} if in_files else {}),
        }

    def _of_all(self) -> dict[str, Any]:
        """What the main table has for the whole load: what is new, and what a contract refused."""
        drift, kept_out = self.drift, self._of_tables_kept_out()
        changes = drift.markdown(self.info.schema, list(self.info.tables))
        return {
            **({"rows_of_tables_rejected": kept_out} if kept_out else {}),
            **({"new_tables": drift.new_tables} if drift.tables else {}),
            **({"new_columns": drift.new_columns} if drift.columns else {}),
            **({"schema_changes": Markdown(changes)} if changes else {}),
            "summary": Markdown(summary(self.info, list(self.info.tables), changes)),
        }

    def _own(self, name: str) -> dict[str, Any]:
        columns = self.drift.columns.get(name, ())
        return {"new_columns": Drift(columns={name: columns}).new_columns} if columns else {}

    def _extracted(self, name: str) -> int:
        """The rows that came for a table: for the main one all that the resource gave, less those
        of its other root tables; for a nested one those that were made of the rows above.
        """
        if name != self.main:
            return self.info.sent.get(name, 0) + self._rejected(name)
        others = (t for t in self._roots() if t != name)
        given = self.info.extracted.get(self.resource, 0)
        return given - sum(self._extracted(other) for other in others)

    def _rejected(self, name: str) -> int:
        return self.info.discarded.get(name, 0)

    def _values_rejected(self, name: str) -> int:
        start = f"{name}."
        return sum(n for key, n in self.info.discarded.items() if key.startswith(start))

    def _of_tables_kept_out(self) -> int:
        """The rows of tables that a contract did not let begin, and that are no assets."""
        known = self.tables | self.info.schema.tables.keys()
        discarded = self.info.discarded.items()
        return sum(n for key, n in discarded if key.partition(".")[0] not in known)

    def _roots(self) -> list[str]:
        tables = self.info.schema.tables_of(self.resource)
        return [table.name for table in tables if table.parent is None]
