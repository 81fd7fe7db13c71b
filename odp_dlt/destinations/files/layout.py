"""Layouts: templates for the paths of data files below a dataset, with dlt's placeholders."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from odp_dlt.registry import nearest

DEFAULT_LAYOUT = "{table_name}/{load_id}.{file_id}.{ext}"

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMED = ("schema_name", "table_name", "load_id", "file_id", "ext")
_HOLE = re.compile(r"\{(.*?)\}")
_SHAPES: Mapping[str, str] = {
    "load_id": r"\d+(?:\.\d+)?",
    "file_id": r"[\w-]+",
    "ext": r"[a-z0-9]+(?:\.gz)?",
}


def moment_values(moment: datetime) -> dict[str, str]:
    """What dlt's placeholders of time stand for at `moment`, which is in UTC; all in lower case."""
    month, day = _MONTHS[moment.month - 1], _DAYS[moment.weekday()]
    fraction = f"{moment.microsecond:06d}"
    seconds, thousandths = int(moment.timestamp()), int(moment.timestamp() * 1000)
    return {
        "YYYY": f"{moment.year:04d}", "YY": f"{moment.year % 100:02d}", "Y": str(moment.year),
        "MMMM": month, "MMM": month[:3], "MM": f"{moment.month:02d}", "M": str(moment.month),
        "DD": f"{moment.day:02d}", "D": str(moment.day),
        "HH": f"{moment.hour:02d}", "H": str(moment.hour),
        "mm": f"{moment.minute:02d}", "m": str(moment.minute),
        "dddd": day, "ddd": day[:3], "dd": day[:2], "d": str(moment.isoweekday() % 7),
        "ss": f"{moment.second:02d}", "s": str(moment.second),
        "SSSS": fraction[:4], "SSS": fraction[:3], "SS": fraction[:2], "S": fraction[:1],
        "Q": str((moment.month + 2) // 3),
        "curr_date": moment.date().isoformat(),
        "timestamp": str(seconds), "timestamp_ms": str(thousandths),
        "load_package_timestamp": str(seconds), "load_package_timestamp_ms": str(thousandths),
    }  # fmt: skip


def load_moment(load_id: str) -> datetime:
    """When the load with this id began, in UTC; now, if the id does not say."""
    try:
        return datetime.fromtimestamp(float(load_id), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.now(UTC)


@dataclass(frozen=True)
class Found:
    """What the path of a data file says of it; None where the layout has no place for it."""

    table: str
    load_id: str | None


@dataclass(frozen=True)
class Layout:
    """A checked template. ValueError, with the nearest name, for one that cannot work."""

    template: str = DEFAULT_LAYOUT
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "{ext}" not in self.template:
            object.__setattr__(self, "template", f"{self.template}.{{ext}}")
        holes = _HOLE.findall(self.template)
        known = {*_NAMED, *moment_values(datetime.now(UTC)), *self.extra}
        for name in holes:
            if name not in known:
                raise ValueError(f"the layout names '{{{name}}}'. {nearest(name, known)}")
        for name in ("table_name", "file_id"):
            if holes.count(name) != 1:
                raise ValueError(f"the layout must name {{{name}}} once: '{self.template}'")
        if not self.template.endswith("{ext}"):
            raise ValueError(f"a layout ends in {{ext}}, or does not name it: '{self.template}'")
        parts = self.template.split("/")
        if self.template.startswith("/") or ".." in parts or "" in parts:
            raise ValueError(f"the layout must be a path below the dataset: '{self.template}'")
        self._check_prefix(holes)

    def path(self, table: str, load_id: str, file_id: str, ext: str, schema: str) -> str:
        """Where a file of `table` lies, below the dataset."""
        values = {
            **moment_values(load_moment(load_id)), **self.extra, "table_name": table,
            "load_id": load_id, "file_id": file_id, "ext": ext, "schema_name": schema,
        }  # fmt: skip
        return _HOLE.sub(lambda hole: values[hole.group(1)], self.template)

    def needs_schema(self) -> bool:
        """Whether paths depend on the name of the schema."""
        return "{schema_name}" in self.template

    def folder(self, table: str) -> str:
        """What all files of `table` have in common, below the dataset: a folder, or a pattern."""
        prefix, separator, _ = self._split()
        values = {**self.extra, "schema_name": "*"}
        before = _HOLE.sub(lambda hole: values[hole.group(1)], prefix)
        return f"{before}{table}" + ("" if separator == "/" else f"{separator}*")

    def read(self, path: str) -> Found | None:
        """What `path` says, if it is one that this layout makes."""
        seen: set[str] = set()

        def shape(hole: re.Match[str]) -> str:
            name = hole.group(1)
            pattern = re.escape(self.extra[name]) if name in self.extra else _SHAPES.get(name)
            if name in seen:
                return f"(?P={name})"
            seen.add(name)
            return f"(?P<{name}>{pattern or '[^/]+?'})"

        pieces = re.split(r"(\{.*?\})", self.template)
        pattern = "".join(_HOLE.sub(shape, p) if p[:1] == "{" else re.escape(p) for p in pieces)
        found = re.fullmatch(pattern, path)
        if found is None:
            return None
        values = found.groupdict()
        return Found(values["table_name"], values.get("load_id"))

    def _split(self) -> tuple[str, str, str]:
        prefix, _, rest = self.template.partition("{table_name}")
        return prefix, rest[:1], rest[1:]

    def _check_prefix(self, holes: list[str]) -> None:
        prefix, separator, _ = self._split()
        early = [n for n in _HOLE.findall(prefix) if n not in {"schema_name", *self.extra}]
        if early:
            raise ValueError(
                f"in a layout only {{schema_name}} may stand before {{table_name}}, and "
                f"'{self.template}' has {{{early[0]}}} there: the files of a table could not be "
                "found"
            )
        if separator not in ("/", "."):
            raise ValueError(
                f"in a layout '/' or '.' must follow {{table_name}}, since no table name holds "
                f"them: '{self.template}'"
            )
