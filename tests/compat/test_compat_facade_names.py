"""The names that dlt's sources import: offered here and in dlt, or told when they are imported."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from odp_dlt.errors import ConfigError, MissingSetting, OdpError

ROOT = Path(__file__).parents[2]

OFFERED = [  # as dlt's verified sources import them: reference 12.4
    *("dlt:source", "dlt:resource", "dlt:transformer", "dlt:pipeline", "dlt:run", "dlt:attach"),
    *("dlt:secrets", "dlt:config", "dlt:current", "dlt:mark", "dlt:defer", "dlt:sources"),
    *("dlt:destinations", "dlt:progress", "dlt:Pipeline", "dlt:Schema", "dlt:TSecretValue"),
    *("dlt.sources:DltResource", "dlt.sources:DltSource", "dlt.sources:incremental"),
    *("dlt.sources:TDataItem", "dlt.sources:TDataItems", "dlt.sources.config:configspec"),
    *("dlt.sources.config:with_config", "dlt.sources.credentials:ConnectionStringCredentials"),
    *("dlt.sources.helpers:requests", "dlt.sources.helpers.requests:get"),
    *("dlt.sources.helpers.requests:Client", "dlt.sources.helpers.requests:client"),
    *("dlt.sources.helpers.requests:HTTPError", "dlt.sources.helpers.requests:Session"),
    *("dlt.common:json", "dlt.common:logger", "dlt.common:pendulum", "dlt.common:Decimal"),
    *("dlt.common:sleep", "dlt.common.pendulum:pendulum", "dlt.common.json:json"),
    *("dlt.common.typing:TDataItem", "dlt.common.typing:TDataItems"),
    *("dlt.common.typing:DictStrAny", "dlt.common.typing:DictStrStr", "dlt.common.typing:StrAny"),
    *("dlt.common.typing:TAnyDateTime", "dlt.common.typing:TSecretValue"),
    *("dlt.common.typing:TSecretStrValue", "dlt.common.typing:Dict", "dlt.common.typing:StrStr"),
    *("dlt.common.typing:TColumnNames", "dlt.common.typing:TTableHintTemplate"),
    *("dlt.common.time:ensure_pendulum_datetime", "dlt.common.time:parse_iso_like_datetime"),
    *("dlt.common.time:timedelta", "dlt.common.utils:digest128", "dlt.common.utils:chunks"),
    *("dlt.common.configuration:configspec", "dlt.common.configuration:with_config"),
    *("dlt.common.configuration.inject:with_config",),
    *("dlt.common.configuration.exceptions:ConfigFieldMissingException",),
    *("dlt.common.configuration.exceptions:ConfigurationValueError",),
    *("dlt.common.configuration.specs:BaseConfiguration",),
    *("dlt.common.configuration.specs:CredentialsConfiguration",),
    *("dlt.common.configuration.specs:ConnectionStringCredentials",),
    *("dlt.common.configuration.specs:GcpServiceAccountCredentials",),
    *("dlt.common.configuration.specs:GcpOAuthCredentials",),
    *("dlt.common.configuration.specs:AwsCredentials",),
    *("dlt.common.configuration.specs.base_configuration:configspec",),
    *("dlt.common.exceptions:MissingDependencyException", "dlt.common.pipeline:LoadInfo"),
    *("dlt.common.schema:Schema", "dlt.common.schema.typing:TTableSchemaColumns"),
    *("dlt.common.schema.typing:TColumnSchema", "dlt.common.schema.typing:TTableSchema"),
    *("dlt.common.schema.typing:TWriteDisposition", "dlt.common.data_types:TDataType"),
    *("dlt.common.destination:Destination", "dlt.extract:DltResource"),
    *("dlt.extract.items:DataItemWithMeta", "dlt.extract.exceptions:DltResourceException"),
    *("dlt.pipeline.exceptions:PipelineStepFailed", "dlt.pipeline:Pipeline"),
    *("dlt.current:resource_state", "dlt.current:source_state", "dlt.current:pipeline"),
    *("dlt.current:resource_name", "dlt.current:source", "dlt.mark:with_table_name"),
    *("dlt.mark:with_hints", "dlt.mark:make_hints", "dlt.mark:make_nested_hints"),
    *("dlt.current:source_schema", "dlt.common:Wei", "dlt.common.wei:Wei", "dlt.common:jsonpath"),
    "dlt.common.configuration.container:Container",
    *("dlt.common.configuration.specs:ConfigSectionContext",),
    *("dlt.common.configuration.specs.config_section_context:ConfigSectionContext",),
    *("dlt.common.configuration.exceptions:ContextDefaultCannotBeCreated",),
    "dlt.common.pipeline:StateInjectableContext",
    *("dlt.common.data_types:coerce_value", "dlt.common.data_types.typing:TDataType"),
    *("dlt.common.data_types.type_helpers:coerce_value",),
    *("dlt.common.data_writers:TDataItemFormat", "dlt.common.jsonpath:TJsonPath"),
    *("dlt.common.data_writers.escape:escape_postgres_identifier",),
    *("dlt.common.libs.pyarrow:pyarrow", "dlt.common.libs.pyarrow:is_arrow_item"),
    *("dlt.common.normalizers.naming.snake_case:NamingConvention",),
    *("dlt.common.normalizers.naming:NamingConvention",),
    *("dlt.common.schema.typing:DLT_NAME_PREFIX", "dlt.common.schema.typing:TColumnType"),
    *("dlt.common.schema.utils:merge_column", "dlt.common.schema.utils:new_table"),
    *("dlt.common.storages.fsspec_filesystem:FileItem", "dlt.sources.filesystem:FileItemDict"),
    *("dlt.destinations.impl.postgres.configuration:PostgresCredentials",),
    *("dlt.destinations.impl.postgres.factory:PostgresTypeMapper",),
    *("dlt.destinations.exceptions:DatabaseTerminalException", "dlt.destinations:postgres"),
    *("dlt.extract.resource:DltResource", "dlt.extract.source:DltSource"),
    *("dlt.pipeline.pipeline:Pipeline", "dlt.sources.helpers.requests.session:Session"),
    *("dlt.sources.helpers.requests.retry:DEFAULT_RETRY_STATUS",),
    *("dlt.sources.helpers.requests.retry:Client",),
]

ABSENT = [
    *("dlt:hub", "dlt:dbt", "dlt.sources:sql_database", "dlt.sources.filesystem:readers"),
    *("dlt.sources.sql_database:sql_table", "dlt.common.schema.utils:no_such_function"),
    *("dlt.common.utils:no_such_function", "dlt.sources.helpers.requests:no_such_name"),
    *("dlt.destinations.adapters:bigquery_adapter", "dlt.common.storages:FileStorage"),
]


def imported(package: str, name: str) -> Any:
    """What `from <module> import <name>` binds; `package` stands for dlt."""
    module, _, attribute = name.partition(":")
    if package == "dlt" and module in ("dlt.current", "dlt.mark"):  # no modules there
        return getattr(getattr(import_module("dlt"), module[4:]), attribute)
    found = __import__(package + module.removeprefix("dlt"), fromlist=[attribute])
    return getattr(found, attribute)


@pytest.mark.parametrize("name", OFFERED)
def test_a_name_that_sources_import_is_here_as_in_dlt(name: str) -> None:
    imported("dlt", name)
    imported("odp_dlt.dlt", name)


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_not_offered_is_told_at_import_by_name(name: str) -> None:
    module, _, attribute = name.partition(":")
    code = f"from {'odp_dlt.dlt' + module.removeprefix('dlt')} import {attribute}"
    with pytest.raises(ImportError, match=r"dlt\..* is not offered .*docs/dlt-compatibility") as e:
        exec(code, {})
    assert str(e.value).startswith("dlt.")


def test_functions_keep_their_names_beside_modules_of_the_same_name() -> None:
    code = (
        "from odp_dlt.dlt.extract.resource import DltResource\n"
        "from odp_dlt.dlt.pipeline.pipeline import Pipeline\n"
        "from odp_dlt.dlt.extract import resource\n"
        "from odp_dlt.dlt.pipeline import pipeline\n"
        "assert callable(resource) and callable(pipeline)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ROOT)})


def test_an_attribute_that_is_not_offered_names_itself() -> None:
    facade = import_module("odp_dlt.dlt")
    assert not hasattr(facade, "hub")
    with pytest.raises(AttributeError, match=r"dlt\.hub is not offered"):
        _ = facade.hub


def test_other_packages_are_imported_as_ever() -> None:
    import_module("odp_dlt.dlt")
    with pytest.raises(ModuleNotFoundError):
        import_module("odp_dlt_no_such_package")


def test_dlts_errors_catch_ours() -> None:
    missing = imported("odp_dlt.dlt", "dlt.common.configuration:ConfigFieldMissingException")
    step = imported("odp_dlt.dlt", "dlt.pipeline.exceptions:PipelineStepFailed")
    assert issubclass(MissingSetting, missing)
    assert issubclass(ConfigError, step)
    assert issubclass(OdpError, step)


def test_now_is_in_utc_wherever_the_process_runs() -> None:
    code = (
        "from odp_dlt.dlt.common import pendulum as a\n"
        "from odp_dlt.dlt.common.pendulum import pendulum as b\n"
        "assert a is b and a.now().timezone_name == 'UTC' == b.today().timezone_name\n"
        "assert isinstance(a.now(), a.DateTime) and a.datetime(2024, 1, 2).day == 2\n"
    )
    environment = {"TZ": "Asia/Tokyo", "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize(
    "value",
    [
        *("2024-01-02", "2024-01-02T03:04:05", "2024-01-02T03:04:05Z", "2024-01-02 03:04:05+02:00"),
        *("03:04:05", "2024-W01-2", "2024-01-02T03:04:05.123456Z"),
    ],
)
def test_iso_text_is_read_as_dlt_reads_it(value: str) -> None:
    name = "dlt.common.time:parse_iso_like_datetime"
    ours, theirs = imported("odp_dlt.dlt", name)(value), imported("dlt", name)(value)
    assert (ours, type(ours)) == (theirs, type(theirs))


@pytest.mark.parametrize(
    "value", ["2024-01-02", "2024-01-02T03:04:05+02:00", 1700000000, 1700000000.5, "1700000000"]
)
def test_moments_are_made_as_dlt_makes_them(value: Any) -> None:
    name = "dlt.common.time:ensure_pendulum_datetime"
    ours, theirs = imported("odp_dlt.dlt", name)(value), imported("dlt", name)(value)
    assert (ours, ours.timezone_name) == (theirs, theirs.timezone_name)


@pytest.mark.parametrize("package", ["dlt", "odp_dlt.dlt"])
def test_hashes_and_chunks_are_dlts(package: str) -> None:
    digest = imported(package, "dlt.common.utils:digest128")
    assert digest("été") == "QhrlyBHXak12iLXIOsfZ"
    assert [list(part) for part in imported(package, "dlt.common.utils:chunks")(range(5), 2)] == [
        [0, 1],
        [2, 3],
        [4],
    ]
