"""Files of rows that tasks read and write: their formats by suffix, and where they are."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import AfterValidator, ValidationInfo

from odp_dlt.destinations.files.access import Credentials, open_store
from odp_dlt.destinations.files.store import Store
from odp_dlt.errors import ConfigError, SourceError
from odp_dlt.tasks.params import holds_template

FORMATS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_CLOUDS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
_WEB = ("http", "https")
_PATTERN = re.compile(r"[*?\[]")
_CHUNK = 1 << 20
_WAIT_S = (10, 60)  # for a connection, and for each piece of an answer


def _anchored(uri: str, info: ValidationInfo) -> str:
    if holds_template(uri):
        return uri
    scheme = scheme_of(uri)
    if scheme in ("", "file"):
        root = (info.context or {}).get("root")
        path = unquote(urlsplit(uri).path) if scheme else uri
        return path if root is None else str(Path(root) / path)
    if scheme in _CLOUDS:
        bucket = uri.split("/")[2]
        if "@" in bucket or not bucket:
            raise ValueError(f"after {scheme}:// is the name of a bucket, and no key")
    if scheme not in _CLOUDS and scheme not in _WEB:
        raise ValueError(
            f"'{scheme}://' is unknown: it is a path, s3://, gs://, http:// or https://"
        )
    return uri


FileUri = Annotated[str, AfterValidator(_anchored)]
"""A path, which counts from the root of the validation context if it is relative, or a URL."""


def scheme_of(uri: str) -> str:
    """`s3` of `s3://…`, and nothing of a path."""
    return uri.partition("://")[0].lower() if "://" in uri else ""


def public(uri: str) -> str:
    """`uri` without the keys that a URL can hold."""
    if scheme_of(uri) not in _WEB:
        return uri
    parts = urlsplit(uri)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def format_of(name: str) -> tuple[str, str]:
    """The format and the compression that a file's name says: `("csv", "gzip")` of `a.csv.gz`.

    ConfigError if it says none that is known.
    """
    path = urlsplit(name).path if scheme_of(name) in _WEB else name
    packed = path.lower().endswith(".gz")
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if suffix not in FORMATS or (packed and suffix == ".parquet"):
        raise ConfigError(
            f"the name '{Path(path).name}' does not say the format of its rows",
            hint=f"It ends with {', '.join(FORMATS)}; all but the first can end with .gz after it.",
        )
    return FORMATS[suffix], "gzip" if packed else "none"


@contextmanager
def fetched(uri: str) -> Iterator[list[Path]]:
    """The files at `uri` on local disk: itself, those of a folder, or those of a pattern.

    What is elsewhere is copied to a temporary folder, which is gone after the `with`. SourceError
    if there are none.
    """
    scheme = scheme_of(uri)
    if not scheme:
        yield _there(uri, _local(Path(uri)))
        return
    with tempfile.TemporaryDirectory(prefix="odp-files-") as folder:
        if scheme in _WEB:
            yield [_downloaded(uri, Path(folder))]
        else:
            yield _there(uri, _from_cloud(uri, Path(folder)))


@contextmanager
def published(uri: str) -> Iterator[Path]:
    """A path to write a file to, which is at `uri` in one step when the `with` is left in order."""
    if not scheme_of(uri):
        target = Path(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            yield Path(folder) / target.name
            (Path(folder) / target.name).replace(target)
        return
    store, path = _cloud(uri)
    with tempfile.TemporaryDirectory(prefix="odp-files-") as folder:
        made = Path(folder) / Path(path).name
        yield made
        with made.open("rb") as source, store.sink(path) as sink:
            shutil.copyfileobj(source, sink, _CHUNK)


def _there(uri: str, files: list[Path]) -> list[Path]:
    if not files:
        raise SourceError(
            f"there is no file at '{public(uri)}'",
            hint="A folder stands for the data files in it; `*` and `?` in a name for any text.",
        )
    return files


def _local(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if _is_data(file.name))
    if path.is_file():
        return [path]
    if not _PATTERN.search(str(path)):
        return []
    parts = path.parts
    first = next(n for n, part in enumerate(parts) if _PATTERN.search(part))
    found = Path(*parts[:first]).glob(str(Path(*parts[first:])))
    return sorted(file for file in found if file.is_file())


def _is_data(name: str) -> bool:
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    return suffix in FORMATS and not name.startswith((".", "_"))


def _downloaded(url: str, folder: Path) -> Path:
    import requests

    target = folder / (Path(unquote(urlsplit(url).path)).name or "file")
    try:
        with requests.get(url, stream=True, timeout=_WAIT_S) as answer:
            answer.raise_for_status()
            with target.open("wb") as file:
                for piece in answer.iter_content(_CHUNK):
                    file.write(piece)
    except requests.RequestException as e:
        code = getattr(e.response, "status_code", None)
        said = f"HTTP {code}" if code else type(e).__name__
        # not from `e`, whose text holds the whole address
        raise SourceError(f"'{public(url)}' cannot be fetched: {said}") from None
    return target


def _cloud(uri: str) -> tuple[Store, str]:
    """The bucket of `uri`, and the path in it. Keys are where the cloud's own client looks."""
    scheme, _, place = uri.partition("://")
    bucket, _, path = place.partition("/")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    cloud = _CLOUDS[scheme.lower()]
    keys = Credentials(endpoint_url=endpoint if cloud == "s3" else None)
    return open_store(f"{cloud}://{bucket}", keys), unquote(path)


def _from_cloud(uri: str, folder: Path) -> list[Path]:
    store, path = _cloud(uri)
    around = path[: match.start()] if (match := _PATTERN.search(path)) else path
    base = around.rpartition("/")[0]
    listed = list(store.files(base, deep=match is not None))
    if match is not None:
        pattern = _as_regex(path)
        found = [one for one in listed if pattern.fullmatch(one)]
    elif path in listed:
        found = [path]
    else:
        found = [one for one in store.files(path.rstrip("/")) if _is_data(Path(one).name)]
    return [_copied(store, one, folder / str(n)) for n, one in enumerate(found)]


def _copied(store: Store, path: str, folder: Path) -> Path:
    folder.mkdir()
    target = folder / Path(path).name
    try:
        with (
            store.system.open_input_stream(store.at(path), compression=None) as source,
            target.open("wb") as file,
        ):
            shutil.copyfileobj(source, file, _CHUNK)
    except OSError as e:
        raise store.failed("read", path, e) from e
    return target


def _as_regex(pattern: str) -> re.Pattern[str]:
    """A pattern as globs have it: `*` stays in one folder, `**` does not."""
    spelled = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(spelled.get(part, re.escape(part)) for part in parts))
