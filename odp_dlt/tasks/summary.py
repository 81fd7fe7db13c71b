"""What a load did, as a person reads it: the summary of a run in Markdown."""

from collections.abc import Collection

from odp_dlt.pipeline.info import LoadInfo
from odp_dlt.pipeline.meter import in_units


def summary(info: LoadInfo, tables: Collection[str], changes: str | None) -> str:
    """Tables, rows and sizes of a load, its slowest phase, and what changed in the schema."""
    loaded = [info.tables[name] for name in tables if name in info.tables]
    rows, size = sum(t.rows for t in loaded), sum(t.size for t in loaded)
    phase, seconds = max(info.seconds.items(), key=lambda item: item[1])
    head = (
        f"**{rows:,} rows** ({in_units(size)}) into {len(loaded)} "
        f"table{'' if len(loaded) == 1 else 's'} of `{info.dataset_name}` "
        f"({info.destination_name}); slowest: {phase}, {seconds:.1f} s."
    )
    if not loaded:
        return f"Nothing came, and no table exists in `{info.dataset_name}`."
    lines = ["| Table | Rows loaded | Size | Rows now |", "|---|--:|--:|--:|"]
    lines += [f"| `{t.name}` | {t.rows:,} | {in_units(t.size)} | {t.total:,} |" for t in loaded]
    return "\n".join([head, "", *lines, *(["", changes] if changes else [])])
