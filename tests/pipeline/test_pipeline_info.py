"""What a run tells of itself: its info, its trace, and both as rows."""

from collections.abc import Iterator
from typing import Any

import pytest

from odp_dlt import dlt
from odp_dlt.errors import ConfigError, SourceError
from tests.conftest import Loaded

ORDERS = [{"id": 1, "lines": [{"sku": "x"}, {"sku": "y"}]}, {"id": 2, "lines": []}]


def orders(rows: Any = ORDERS, **hints: Any) -> Any:
    @dlt.source
    def shop() -> Any:
        return dlt.resource(rows, name="orders", **hints)

    return shop()


def test_a_package_tells_of_every_table_that_rows_went_to(place: Loaded) -> None:
    info = place.load(orders())
    (package,) = info.load_packages
    assert (package.load_id, package.state, package.schema_name) == (
        info.load_id,
        "loaded",
        "shop",
    )
    assert package.schema_hash == info.schema.version_hash
    jobs = package.jobs.pop("completed_jobs")
    assert {job.job_file_info.table_name: (job.rows, job.files) for job in jobs} == {
        "orders": (2, 1),
        "orders__lines": (2, 1),
        "_dlt_pipeline_state": (1, 0),
    }
    assert all(job.file_size > 0 for job in jobs if job.files)
    assert package.jobs["failed_jobs"] == []


def test_a_package_tells_which_tables_and_columns_are_new(place: Loaded) -> None:
    (first,) = place.load(orders()).load_packages
    assert {"orders", "orders__lines", "_dlt_loads"} <= set(first.schema_update)
    (second,) = place.load(orders([{"id": 3, "note": "new"}])).load_packages
    (table,) = second.schema_update.values()
    assert table["name"] == "orders"
    assert {name: c["data_type"] for name, c in table["columns"].items()} == {"note": "text"}


def test_nothing_of_a_load_fails_that_did_not_raise(place: Loaded) -> None:
    info = place.load(orders())
    assert not info.has_failed_jobs
    info.raise_on_failed_jobs()
    assert not info.is_empty
    assert info.first_run
    assert not place.load(orders()).first_run


def test_an_info_reads_as_dlt_prints_it(place: Loaded) -> None:
    info = place.load(orders())
    first, second, third, fourth, *tables = str(info).splitlines()
    assert first.startswith("Pipeline shop load step finished in ")
    assert second == "1 load package(s) were loaded to destination duckdb and into dataset data"
    assert third == f"The duckdb destination used {place.database} location to store data"
    assert fourth == f"Load package {info.load_id} is LOADED and contains no failed jobs"
    assert tables == [
        "  data.orders: 2 row(s), 2 in all",
        "  data.orders__lines: 2 row(s), 2 in all",
    ]
    assert "orders__lines: 2 row(s) in 1 file(s)" in info.asstr(verbosity=2)


def test_a_run_without_anything_to_load_has_no_package(place: Loaded) -> None:
    rows: list[Any] = []
    place.load(orders(rows))
    info = place.load(orders(rows))
    assert info.is_empty
    assert info.load_packages == []
    assert info.metrics == {}
    assert "found nothing to load" in str(info)


def test_a_run_of_several_sources_tells_of_every_package(place: Loaded) -> None:
    @dlt.source
    def other() -> Any:
        return dlt.resource([{"n": 1}], name="numbers")

    info = place.load([orders(), other()])
    assert [package.schema_name for package in info.load_packages] == ["shop", "other"]
    assert list(info.metrics) == info.loads_ids
    assert len(info.asdict()["load_packages"]) == 2


def test_the_trace_holds_what_each_step_did(place: Loaded) -> None:
    pipeline = place.pipeline()
    assert pipeline.last_trace is None
    info = pipeline.run(orders())
    trace = pipeline.last_trace
    assert trace is not None
    assert [step.step for step in trace.steps] == ["extract", "normalize", "load", "run"]
    assert trace.last_load_info == info
    assert trace.last_extract_info is not None
    assert trace.last_extract_info.row_counts == {"orders": 2}
    assert trace.last_normalize_info is not None
    assert trace.last_normalize_info.row_counts == {
        "orders": 2,
        "orders__lines": 2,
        "_dlt_pipeline_state": 1,
    }
    assert "- orders: 2 row(s)" in str(trace.last_normalize_info)
    assert "NORMALIZED and NOT YET LOADED" in str(trace.last_normalize_info)
    assert "COMPLETED" in str(trace).splitlines()[0]


def test_normalized_rows_are_counted_before_they_are_merged(place: Loaded) -> None:
    pipeline = place.pipeline()
    same = [{"id": 1}, {"id": 1}]
    info = pipeline.run(orders(same, write_disposition="merge", primary_key="id"))
    trace = pipeline.last_trace
    assert trace is not None
    assert trace.last_normalize_info is not None
    assert trace.last_normalize_info.row_counts["orders"] == 2
    assert info.tables["orders"].total == 1


def test_the_trace_of_a_run_that_raised_names_the_step_and_the_error(place: Loaded) -> None:
    def broken() -> Iterator[Any]:
        yield {"id": 1}
        raise ValueError("no more")

    pipeline = place.pipeline()
    with pytest.raises(SourceError):
        pipeline.run(orders(broken))
    trace = pipeline.last_trace
    assert trace is not None
    extract, run = trace.steps
    assert extract.step == "extract"
    assert extract.step_exception is not None
    assert "no more" in extract.step_exception
    assert run.step_exception is not None
    assert trace.last_load_info is None
    assert "FAILED" in str(trace).splitlines()[0]


def test_a_trace_does_not_tell_a_secret(place: Loaded) -> None:
    (place.folder / ".dlt").mkdir()
    (place.folder / ".dlt" / "secrets.toml").write_text('token = "s3cr3t-t0ken"')

    @dlt.resource
    def rows(token: str = dlt.secrets.value) -> Iterator[Any]:
        raise ValueError(f"denied: {token}")
        yield

    pipeline = place.pipeline()
    with pytest.raises(SourceError):
        pipeline.run(rows())
    assert "denied" in str(pipeline.last_trace)
    assert "s3cr3t" not in str(pipeline.last_trace)
    assert "s3cr3t" not in str(pipeline.last_trace and pipeline.last_trace.asdict())


def test_pipelines_do_not_see_each_others_traces(place: Loaded) -> None:
    one, other = place.pipeline(), place.pipeline()
    one.run(orders())
    assert one.last_trace is not None
    assert other.last_trace is None
    assert one == other


def test_infos_and_traces_are_rows_to_load(place: Loaded) -> None:
    pipeline = place.pipeline()
    info = pipeline.run(orders())
    trace = pipeline.last_trace
    pipeline.run([info], table_name="_load_info")
    pipeline.run([trace], table_name="_trace")
    pipeline.run(info, table_name="_one")
    assert place.rows("SELECT dataset_name, pipeline__pipeline_name FROM data._load_info") == [
        ("data", "shop")
    ]
    assert place.rows(
        "SELECT table_name, rows FROM data._load_info__load_packages__jobs ORDER BY 1"
    ) == [("_dlt_pipeline_state", 1), ("orders", 2), ("orders__lines", 2)]
    assert place.rows("SELECT step FROM data._trace__steps ORDER BY _dlt_list_idx") == [
        ("extract",),
        ("normalize",),
        ("load",),
        ("run",),
    ]


def test_what_a_run_does_not_offer_is_refused_by_name(place: Loaded) -> None:
    with pytest.raises(ConfigError, match="loader_file_format") as e:
        place.load(orders(), loader_file_format="parquet")
    assert "docs/dlt-compatibility.md" in str(e.value)


@pytest.mark.parametrize("name", ["extract", "normalize", "load", "sync_schema"])
def test_what_a_pipeline_does_not_offer_is_named_with_the_page(place: Loaded, name: str) -> None:
    with pytest.raises(AttributeError, match=f"Pipeline.{name} is not offered") as e:
        getattr(place.pipeline(), name)
    assert "docs/dlt-compatibility.md" in str(e.value)


def test_an_info_accounts_for_every_row_that_came(place: Loaded) -> None:
    rows = [{"id": 1, "lines": [{"sku": "x"}]}, None, {"id": 2}]
    info = place.load(orders(rows))
    assert info.extracted == {"orders": 2}
    assert info.sent == {"orders": 2, "orders__lines": 1}
    strict = orders([*rows, {"id": 3, "vat": 1}], schema_contract={"columns": "discard_row"})
    info = place.load(strict)
    assert info.extracted == {"orders": 3}
    assert (info.sent["orders"], info.discarded) == (2, {"orders": 1})
    nothing = place.load(orders([]))
    assert (nothing.extracted, nothing.sent) == ({}, {})
