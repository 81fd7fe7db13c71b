"""Parquet, JSON lines and CSV: Arrow batches into files and back, a batch at a time.

Text files hold dlt's spellings: moments in ISO 8601, decimals as text, bytes in base64.
"""

import base64
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any, Literal, Protocol, get_args

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from odp_dlt.errors import DestinationError
from odp_dlt.schema.model import Column
from odp_dlt.schema.types import arrow_type

FileFormat = Literal["parquet", "jsonl", "csv"]
Compression = Literal["none", "gzip", "snappy", "zstd"]

_ROWS_AT_ONCE = 50_000
_GROUP_ROWS = 250_000
_GROUP_BYTES = 64 << 20


class BatchWriter(Protocol):
    """What writes batches of one schema to an open file, which stays open."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add the rows of `batch`; they may be held back until a later call."""

    def close(self) -> None:
        """Write what is held back, and the file's end."""


def compressions(kind: FileFormat) -> tuple[Compression, ...]:
    """How files of a format can be compressed; the first is what it is unless said otherwise."""
    return ("snappy", "zstd", "gzip", "none") if kind == "parquet" else ("gzip", "none")


def extension(kind: FileFormat, compression: Compression) -> str:
    """How the names of such files end; Parquet compresses within."""
    return f"{kind}.gz" if kind != "parquet" and compression == "gzip" else kind


def writer(
    sink: IO[bytes], columns: Sequence[Column], kind: FileFormat, compression: Compression
) -> BatchWriter:
    """What writes batches with these columns to `sink`."""
    if kind == "parquet":
        return _Parquet(sink, columns, compression)
    return _Lines(sink, columns, kind, compression)


def batches(
    source: pa.NativeFile, path: str, columns: Mapping[str, Column]
) -> Iterator[pa.RecordBatch]:
    """The rows of the file at `path`, opened, with those of `columns` that the file has."""
    packed = path.endswith(".gz")
    kind = path.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        yield from pq.ParquetFile(source).iter_batches(_ROWS_AT_ONCE)
        return
    stream: Any = gzip.GzipFile(fileobj=source) if packed else source
    if kind == "jsonl":
        yield from _json_batches(stream, columns)
    elif kind == "csv":
        yield from _csv_batches(stream, columns)
    else:
        raise DestinationError(
            f"files in the format '{kind}' cannot be read",
            hint=f"Those that can: {', '.join(get_args(FileFormat))}.",
        )


class _Parquet:
    """Gathers batches, so that a row group is worth reading on its own."""

    def __init__(
        self, sink: IO[bytes], columns: Sequence[Column], compression: Compression
    ) -> None:
        fields = [pa.field(c.name, arrow_type(c), nullable=c.is_nullable) for c in columns]
        self._schema = pa.schema(fields)
        self._writer = pq.ParquetWriter(sink, self._schema, compression=compression)
        self._held: list[pa.RecordBatch] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._held.append(batch.cast(self._schema))
        rows = sum(each.num_rows for each in self._held)
        if rows >= _GROUP_ROWS or sum(each.nbytes for each in self._held) >= _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held), _GROUP_ROWS)
            self._held = []


class _Lines:
    """JSON lines or CSV, perhaps through gzip."""

    def __init__(
        self, sink: IO[bytes], columns: Sequence[Column], kind: FileFormat, compression: Compression
    ) -> None:
        self._columns = columns
        self._packed = (
            gzip.GzipFile(fileobj=sink, mode="wb", mtime=0) if compression == "gzip" else None
        )
        out = self._packed or sink
        self._json = out if kind == "jsonl" else None
        shown = [pa.field(c.name, _text_type(c)) for c in columns]
        self._csv = None if self._json else pacsv.CSVWriter(out, pa.schema(shown))

    def write(self, batch: pa.RecordBatch) -> None:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            part = batch.slice(start, _ROWS_AT_ONCE)
            arrays = [_as_text(part.column(c.name), c) for c in self._columns]
            shown = pa.RecordBatch.from_arrays(arrays, names=[c.name for c in self._columns])
            if self._csv is not None:
                self._csv.write_batch(shown)
            elif self._json is not None:
                self._json.write(_json_lines(shown, self._columns))

    def close(self) -> None:
        if self._csv is not None:
            self._csv.close()
        if self._packed is not None:
            self._packed.close()


def _text_type(column: Column) -> pa.DataType:
    kept = ("bigint", "double", "bool")
    arrow = arrow_type(column)
    return arrow if column.data_type in kept and not pa.types.is_decimal(arrow) else pa.string()


def _as_text(array: pa.Array, column: Column) -> pa.Array:
    """`array` as text files hold it: numbers and booleans as they are, the rest as text."""
    match column.data_type:
        case "timestamp":
            zone = "" if column.timezone is False else "+00:00"
            return pc.strftime(array, format=f"%Y-%m-%dT%H:%M:%S{zone}")
        case "binary":  # Arrow has no base64, so value by value
            coded = [None if v is None else base64.b64encode(v).decode() for v in array.to_pylist()]
            return pa.array(coded, pa.string())
        case _:
            return array.cast(_text_type(column))


def _json_lines(batch: pa.RecordBatch, columns: Sequence[Column]) -> bytes:
    """A line a row. JSON is by row, so this is a loop over rows; Parquet is the fast format."""
    rows: list[dict[str, Any]] = batch.to_pylist()
    for column in columns:
        if column.data_type == "json":
            for row in rows:
                if row[column.name] is not None:
                    row[column.name] = orjson.Fragment(row[column.name])
        elif (
            column.data_type == "double"
            and not pc.all(pc.is_finite(batch.column(column.name)), min_count=0).as_py()
        ):
            for row in rows:  # JSON has no word for these, and null would be another value
                if (
                    row[column.name] in (float("inf"), float("-inf"))
                    or row[column.name] != (row[column.name])
                ):
                    row[column.name] = str(row[column.name])
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _json_batches(stream: Any, columns: Mapping[str, Column]) -> Iterator[pa.RecordBatch]:
    lines = io.BufferedReader(stream)
    while part := list(islice(lines, _ROWS_AT_ONCE)):
        rows = [orjson.loads(line) for line in part]  # by row, as JSON is
        arrays = {}
        for name, column in columns.items():
            values = [_json_text(row.get(name), column) for row in rows]
            arrays[name] = _from_text(pa.array(values, pa.string()), column)
        yield pa.RecordBatch.from_pydict(arrays)


def _json_text(value: Any, column: Column) -> str | None:
    if value is None or (isinstance(value, str) and column.data_type != "json"):
        return value
    return orjson.dumps(value).decode()


def _csv_batches(stream: Any, columns: Mapping[str, Column]) -> Iterator[pa.RecordBatch]:
    convert = pacsv.ConvertOptions(
        column_types={name: pa.string() for name in columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    with pacsv.open_csv(stream, parse_options=parse, convert_options=convert) as reader:
        for batch in reader:
            present = [name for name in batch.schema.names if name in columns]
            arrays = [_from_text(batch.column(name), columns[name]) for name in present]
            yield pa.RecordBatch.from_arrays(arrays, names=present)


def _from_text(array: pa.Array, column: Column) -> pa.Array:
    """Values of `column` from what text files hold."""
    wanted = arrow_type(column)
    match column.data_type:
        case "binary":
            raw = [None if v is None else base64.b64decode(v) for v in array.to_pylist()]
            return pa.array(raw, wanted)
        case "time":  # Arrow parses moments only
            moments = pc.binary_join_element_wise("1970-01-01T", array, "")
            unit = "us" if wanted.unit in ("s", "ms") else wanted.unit
            return moments.cast(pa.timestamp(unit)).cast(pa.time64(unit)).cast(wanted)
        case "timestamp":
            unit = "us" if wanted.unit in ("s", "ms") else wanted.unit
            return array.cast(pa.timestamp(unit, wanted.tz)).cast(wanted)
        case _:
            return array.cast(wanted)
