"""`odp run` for partitions of every kind: one by its key, a range, the latest, a new one."""

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from odp_dlt.definitions.chosen import Wanted, choose
from odp_dlt.definitions.events import Finished
from odp_dlt.definitions.run import run_assets
from odp_dlt.destinations.duckdb import connection
from odp_dlt.errors import ConfigError
from tests.definitions.shop_project import Project, shop

DAILY = '{start: "2026-01-01", end: "2026-01-05", schedule_type: DAILY}'
REGIONS = "{type: static, keys: [eu, us, nz]}"
TENANTS = "{type: dynamic, name: tenants}"
BOTH = f"{{dimensions: {{tenant: {TENANTS}, day: {DAILY}}}}}"
QUERY = """
assets:
  - asset_key: t/t
    task_type: duckdb_query
    params: {query: "SELECT '{{context.partition_key}}' AS key"}
partitions:
  - assets: [t/t]
    params: """


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "home"
    made.mkdir()
    (made / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with connection(tmp_path / "data/shop.db"):
        pass
    yield made


def run(project: Project, home: Path, **wanted: object) -> Finished:
    (end,) = run_assets(
        project.build(),
        home,
        lambda _: None,
        wanted=Wanted(**wanted),  # type: ignore[arg-type]
    )
    assert end.status == "done", end.problem
    return end


def materialized(home: Path) -> set[str]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return set(instance.get_materialized_partitions(dg.AssetKey(["t", "t"])))


@pytest.mark.parametrize(
    ("partitions", "wanted", "expected"),
    [
        (DAILY, {"partition": "2026-01-02"}, {"2026-01-02"}),
        (DAILY, {}, {"2026-01-04"}),
        (DAILY, {"range": "2026-01-02...2026-01-03"}, {"2026-01-02", "2026-01-03"}),
        (DAILY, {"range": "2026-01-02...2026-01-02"}, {"2026-01-02"}),
        (REGIONS, {"partition": "us"}, {"us"}),
        (REGIONS, {"range": "us...nz"}, {"us", "nz"}),
        (TENANTS, {"partition": "a", "add": True}, {"a"}),
        (BOTH, {"partition": "2026-01-02|a", "add": True}, {"2026-01-02|a"}),
    ],
)
def test_partitions_of_every_kind_can_be_run(
    tmp_path: Path, home: Path, partitions: str, wanted: dict[str, object], expected: set[str]
) -> None:
    end = run(shop(tmp_path, QUERY + partitions), home, **wanted)
    assert materialized(home) == expected
    assert end.partition == (wanted.get("partition") or wanted.get("range") or "2026-01-04")


def test_a_range_of_dynamic_partitions_is_in_the_order_they_were_added(
    tmp_path: Path, home: Path
) -> None:
    project = shop(tmp_path, QUERY + TENANTS)
    for key in ("b", "a", "c"):
        run(project, home, partition=key, add=True)
    run(project, home, range="b...a")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        found = instance.fetch_materializations(dg.AssetKey(["t", "t"]), limit=10).records
    assert sorted(str(record.partition_key) for record in found) == ["a", "a", "b", "b", "c"]


@pytest.mark.parametrize(
    ("partitions", "wanted", "said"),
    [
        (DAILY, Wanted("2026-02-02"), "'2026-02-02' is no partition of 't/t'"),
        (DAILY, Wanted("2026-02-02"), "They run from 2026-01-01 to 2026-01-04."),
        (DAILY, Wanted(range="2026-01-02"), "'2026-01-02' is no range of partitions"),
        (DAILY, Wanted(range="2026-01-02"), "Write it as FIRST...LAST."),
        (DAILY, Wanted(range="2026-01-03...2026-01-02"), "ends before it begins"),
        (DAILY, Wanted(range="2026-01-03...2026-02-02"), "'2026-02-02' is no partition"),
        (REGIONS, Wanted("uk"), "'uk' is no partition of 't/t'\n  Known: eu, nz, us."),
        (REGIONS, Wanted(), "the partitions of 't/t' have no order"),
        (REGIONS, Wanted(range="nz...eu"), "ends before it begins"),
        (TENANTS, Wanted("a"), "There are: none. Add it with --add-partition."),
        (TENANTS, Wanted(), "Use --partition."),
        (BOTH, Wanted("a"), "A key is written as DAY|TENANT."),
        (BOTH, Wanted("2026-01-02|a"), "There are: none. Add it with --add-partition."),
        (BOTH, Wanted("2026-02-02|a"), "They run from 2026-01-01 to 2026-01-04."),
    ],
)
def test_what_an_asset_does_not_have_is_told_before_anything_runs(
    tmp_path: Path, home: Path, partitions: str, wanted: Wanted, said: str
) -> None:
    project = shop(tmp_path, QUERY + partitions)
    with pytest.raises(ConfigError, match=re.escape(said)):
        run_assets(project.build(), home, lambda _: None, wanted=wanted)
    assert materialized(home) == set()


def test_a_run_is_for_one_partition_or_for_a_range() -> None:
    with pytest.raises(ConfigError, match="not for both"):
        Wanted("a", "a...b")
    with pytest.raises(ConfigError, match="there is no key to add"):
        Wanted(add=True)


def test_an_asset_without_partitions_takes_none() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert choose("t/t", None, Wanted("a"), instance).name is None
