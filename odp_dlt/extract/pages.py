"""The pages of sources, as the user's generators give them, each with the hints for its table."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from odp_dlt.errors import SourceError
from odp_dlt.extract import current
from odp_dlt.extract.current import Running
from odp_dlt.extract.flow import Batch
from odp_dlt.extract.hints import Hints
from odp_dlt.extract.pool import Pool
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.extract.streams import batches_of
from odp_dlt.extract.window import Window
from odp_dlt.settings import Settings


@dataclass(frozen=True)
class Page:
    """Rows of one table: a list, or an Arrow table or record batch as it came.

    `hints` hold for these rows: those of the resource, unless functions of the row or marks said
    otherwise. Rows of one resource with different hints come as different pages.
    """

    resource: Resource
    source: Source
    rows: Any
    hints: Hints


def pages(
    sources: Sequence[Source],
    state: dict[str, Any],
    settings: Settings,
    pipeline_name: str,
    window: Window | None = None,
) -> Generator[Page, None, None]:
    """The pages of the selected resources: source after source, in one a yield from each in turn.

    `state` is the pipeline's whole state and is changed in place, so give a copy, and commit it
    with the rows. The state of a resource that replaces its table is cleared first, as in dlt.
    A `window` is the range of every incremental that has no end of its own.
    Yields that leave no row give no page. SourceError, with the place, for what the user's code
    raises; generators are closed however this ends.
    """
    for source in sources:
        running = Running(
            settings,
            pipeline_name,
            state,
            source.name,
            source.section,
            source=source,
            window=window,
        )
        chosen = list(source.selected_resources.values())
        for resource in chosen:
            _begin(resource, running)
        routes = {resource.name: _Route(resource.hints) for resource in chosen}
        pool = Pool.sized(settings)
        reading = batches_of(chosen, running, pool, together=True)
        try:
            for resource, batch in reading:
                for hints, rows in routes[resource.name].groups(batch, resource.name):
                    yield Page(resource, source, rows, hints)
        finally:
            reading.close()
            pool.close()


def _begin(resource: Resource, running: Running) -> None:
    if resource.hints.disposition == "replace":
        with current.running(replace(running, resource_name=resource.name)):
            current.resource_state().clear()


@dataclass
class _Route:
    """Which hints hold for which rows of one resource, as its marks and functions say."""

    hints: Hints
    variants: dict[str, Hints] = field(default_factory=dict)

    def groups(self, batch: Batch, resource: str) -> Iterable[tuple[Hints, Any]]:
        """The rows of `batch` by the hints that hold for them, each group in order."""
        if isinstance(batch.rows, list) and not batch.rows:
            return ()
        if batch.mark is None and not self.hints.dynamic:
            return ((self.hints, batch.rows),)
        return self._groups(batch, resource)

    def _groups(self, batch: Batch, resource: str) -> Iterator[tuple[Hints, Any]]:
        marked = self._marked(batch)
        if marked is not None:
            yield marked, batch.rows
        elif not self.hints.dynamic:
            yield self.hints, batch.rows
        elif not isinstance(batch.rows, list):
            raise SourceError(
                f"resource '{resource}' yields Arrow, and its hints are functions of the row",
                hint="Say for a whole table where it goes: dlt.mark.with_table_name(table, name).",
            )
        else:
            yield from self._by_row(batch.rows)

    def _marked(self, batch: Batch) -> Hints | None:
        """The hints for a batch as a whole, if its mark gives it some; it may change the own."""
        mark = batch.mark
        if mark is None:
            return None
        table = mark.table_name
        if mark.hints is not None:
            if not mark.variant:
                self.hints = self.hints.updated(**mark.hints)
                return None
            table = str(mark.hints["table_name"])
            before = self.variants.get(table, _static(self.hints))
            self.variants[table] = before.updated(**mark.hints)
        if table is None:
            return None
        return self.variants.get(table) or replace(_static(self.hints), table_name=table)

    def _by_row(self, rows: list[Any]) -> Iterator[tuple[Hints, list[Any]]]:
        groups: dict[str, tuple[Hints, list[Any]]] = {}
        named = self.hints.dynamic == ["table_name"]
        for row in rows:
            if named:
                key = self.hints.table_name(row)  # type: ignore[operator,misc]
                if key not in groups:
                    groups[key] = (replace(self.hints, table_name=key), [])
            else:
                hints = self.hints.of_row(row)
                key = repr(hints)
                groups.setdefault(key, (hints, []))
            groups[key][1].append(row)
        for hints, found in groups.values():
            name = str(hints.table_name)
            known = self.variants.get(name)
            yield known or hints, found


def _static(hints: Hints) -> Hints:
    """`hints` without those that are functions of the row."""
    return replace(hints, **dict.fromkeys(hints.dynamic)) if hints.dynamic else hints
