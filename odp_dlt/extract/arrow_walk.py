"""An incremental's way over Arrow pages: the same rules, column by column."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from odp_dlt.extract.walk import Walk


def filtered(walk: Walk, page: Any) -> Any:
    """The rows of `page` (a table or a record batch) that are new; moves `walk` on.

    The cursor must be a column. SourceError if it is not there, or does not compare with what the
    range says.
    """
    if not page.num_rows:
        return page
    column = _cursor_column(walk, page)
    there = pc.is_valid(column)
    if walk.spec.on_cursor_value_missing == "raise" and column.null_count:
        raise walk.error(
            f"the cursor is null in {column.null_count} row(s) of an Arrow page",
            "Give on_cursor_value_missing='include' or 'exclude' if that is to be expected.",
        )
    values = column.filter(there)
    nothing = pa.array([], pa.bool_())
    mask = _new(walk, page.filter(there), values) if len(values) else nothing
    walk.page_done(any_kept=bool(len(mask) and pc.any(mask).as_py()))
    return page.filter(_spread(mask, there, walk.spec.on_cursor_value_missing == "include"))


def _cursor_column(walk: Walk, page: Any) -> pa.ChunkedArray:
    name = walk.cursor.field
    if walk.func not in (max, min):
        raise walk.error("last_value_func of an Arrow page can only be max or min")
    if name in page.schema.names:
        column = page.column(name)
    elif name is not None and walk.spec.on_cursor_value_missing != "raise":
        column = pa.nulls(page.num_rows)
    else:
        raise walk.error(
            f"an Arrow page has no column '{walk.cursor.path}'; it has: {page.schema.names}"
        )
    return pa.chunked_array([column]) if isinstance(column, pa.Array) else column


def _new(walk: Walk, page: Any, values: pa.ChunkedArray) -> pa.Array:
    walk.follow(_python(values[0]))
    mask = _in_range(walk, values)
    if walk.dedup:
        mask = _without_loaded(walk, page, values, mask)
    before = walk.last
    kept = values.filter(mask)
    if len(kept):
        found = pc.max(kept) if walk.func is max else pc.min(kept)
        here = _python(found)
        walk.last = here if before is None else walk.func((here, before))
    walk.begin_hashes(moved=before is None or walk.last != before)
    if walk.dedup and len(kept):
        here = pc.and_(mask, pc.equal(values, _scalar(walk, walk.last, values.type)))
        walk.add_hashes(page.filter(here).to_pylist())
    return mask


def _in_range(walk: Walk, values: pa.ChunkedArray) -> pa.ChunkedArray:
    spec, rising = walk.spec, walk.func is max
    after = pc.greater_equal if rising else pc.less_equal
    if spec.range_start == "open":
        after = pc.greater if rising else pc.less
    beyond = pc.less_equal if rising else pc.greater_equal
    if spec.range_end == "open":
        beyond = pc.less if rising else pc.greater
    mask = pc.is_valid(values)
    if walk.end is not None:
        mask = beyond(values, _scalar(walk, walk.end, values.type))
        walk.beyond_end |= not pc.all(mask).as_py()
    if walk.start is not None:
        begun = after(values, _scalar(walk, walk.start, values.type))
        walk.before_start |= not pc.all(begun).as_py()
        mask = pc.and_(mask, begun)
    return mask


def _without_loaded(
    walk: Walk, page: Any, values: pa.ChunkedArray, mask: pa.ChunkedArray
) -> pa.ChunkedArray:
    if not walk.loaded or walk.start is None:
        return mask
    at_start = pc.and_(mask, pc.equal(values, _scalar(walk, walk.start, values.type)))
    if not pc.any(at_start).as_py():
        return mask
    known = [walk.is_loaded(row) for row in page.filter(at_start).to_pylist()]
    walk.before_start |= any(known)
    places = pc.indices_nonzero(at_start)
    dropped = places.filter(pa.array(known, pa.bool_()))
    return pc.and_not(mask, pc.is_in(pa.arange(0, len(values)), dropped.cast(pa.int64())))


def _scalar(walk: Walk, value: Any, kind: pa.DataType) -> pa.Scalar:
    """`value` as the column's type; refused where that would change it."""
    try:
        scalar = pa.scalar(value)
        if _nature(scalar.type) != _nature(kind):
            raise pa.ArrowTypeError
        if pt.is_timestamp(scalar.type) and pt.is_timestamp(kind):
            return scalar.cast(kind)
        if scalar.type != kind:
            scalar = scalar.cast(kind)
        return scalar
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as e:
        raise walk.error(
            f"values do not compare: {value!r} with an Arrow column of the type {kind}"
        ) from e


def _nature(kind: pa.DataType) -> str:
    """Types of one nature compare; Arrow would cast between others as well."""
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        return "text"
    return "moment" if pt.is_temporal(kind) else "number"


def _python(scalar: pa.Scalar) -> Any:
    """The Python value; a moment finer than microseconds is cut, as everywhere in Python."""
    if pt.is_timestamp(scalar.type) and scalar.type.unit == "ns":
        scalar = scalar.cast(pa.timestamp("us", tz=scalar.type.tz), safe=False)
    return scalar.as_py()


def _spread(mask: Any, there: pa.ChunkedArray, loose: bool) -> pa.Array:
    """`mask` over the rows that have a cursor as one over all rows."""
    if pc.all(there).as_py():
        return mask
    return pc.replace_with_mask(
        pa.repeat(pa.scalar(loose), len(there)), _one(there), _one(mask).cast(pa.bool_())
    )


def _one(array: Any) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
