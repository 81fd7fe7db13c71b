"""The names of types in the signatures of sources."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from os import PathLike
from typing import (  # noqa: UP035 - sources import the old names from here
    IO,
    Any,
    Dict,
    List,
    Literal,
    Optional,
    TypedDict,
    TypeVar,
    Union,
)

from odp_dlt.extract.inject import TSecretStrValue, TSecretValue

__path__: list[str] = []  # so that a name which is not here is told by the finder

AnyFun = Callable[..., Any]
DictStrAny = dict[str, Any]
DictStrOptionalStr = dict[str, str | None]
DictStrStr = dict[str, str]
NoneType = type(None)
StrAny = Mapping[str, Any]
StrStr = Mapping[str, str]
TAny = TypeVar("TAny", bound=Any)
TAnyDateTime = datetime | date | str | float | int
TColumnNames = str | Sequence[str]
TDataItem = Any
TDataItems = Any
TDynHintType = TypeVar("TDynHintType")
TFileOrPath = str | PathLike[Any] | IO[Any]
TFun = TypeVar("TFun", bound=AnyFun)
TFunHintTemplate = Callable[[TDataItem], TDynHintType]
TLoaderFileFormat = str
TSortOrder = Literal["asc", "desc"]
TTableHintTemplate = Union[TDynHintType, Callable[[TDataItem], TDynHintType]]  # noqa: UP007
TTableNames = str | Sequence[str]
TimedeltaSeconds = int | float | timedelta

__all__ = [
    "AnyFun",
    "Dict",
    "DictStrAny",
    "DictStrOptionalStr",
    "DictStrStr",
    "List",
    "NoneType",
    "Optional",
    "StrAny",
    "StrStr",
    "TAny",
    "TAnyDateTime",
    "TColumnNames",
    "TDataItem",
    "TDataItems",
    "TDynHintType",
    "TFileOrPath",
    "TFun",
    "TFunHintTemplate",
    "TLoaderFileFormat",
    "TSecretStrValue",
    "TSecretValue",
    "TSortOrder",
    "TTableHintTemplate",
    "TTableNames",
    "TimedeltaSeconds",
    "TypedDict",
    "Union",
]
