from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from odp_dlt.errors import SourceError
from odp_dlt.resources.dlt import DltProject
from tests.destinations.file_places import S3, SECRET, s3_server
from tests.sensors.gcs_server import Gcs, gcs_server
from tests.sensors.watching import watched

# of Google's own import, which Python shows to nobody outside of tests
pytestmark = pytest.mark.filterwarnings("ignore:Please install grpcio-status:ImportWarning")


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def gcs() -> Iterator[Gcs]:
    with gcs_server("lake") as server:
        yield server


def client(s3: S3) -> Any:
    return botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=s3.endpoint,
        aws_access_key_id="key",
        aws_secret_access_key=SECRET,
    )


def put(s3: S3, bucket: str, *names: str, body: bytes = b"1") -> None:
    for name in names:
        client(s3).put_object(Bucket=bucket, Key=name, Body=body)


def test_new_objects_below_a_prefix_start_runs(s3: S3, tmp_path: Path) -> None:
    bucket = s3.bucket().removeprefix("s3://")
    put(s3, bucket, "sales/2026-01-01.csv", "sales/", "other.csv")
    sensor = watched(
        tmp_path,
        "s3",
        bucket_name=bucket,
        path_prefix_filter="sales/2026",
        credentials=dict(s3.credentials),
    )
    assert sensor.values("file_uri") == [f"s3://{bucket}/sales/2026-01-01.csv"]
    assert sensor.values("file_uri") == []
    put(s3, bucket, "sales/2026-01-01.csv", body=b"changed")
    put(s3, bucket, "sales/2026-01-02.csv")
    assert sorted(sensor.values("file_name")) == ["2026-01-01.csv", "2026-01-02.csv"]


def test_more_than_a_thousand_objects_are_listed(s3: S3, tmp_path: Path) -> None:
    bucket = s3.bucket().removeprefix("s3://")
    there, made = client(s3), [f"{number:04}" for number in range(1001)]
    for name in made:
        there.put_object(Bucket=bucket, Key=name, Body=b"")
    keys = dict(s3.credentials)
    sensor = watched(tmp_path, "s3", bucket_name=bucket, credentials=keys, at_once=2000)
    assert sorted(sensor.values("file_path")) == made


def test_credentials_of_the_settings_are_used(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket().removeprefix("s3://")
    put(s3, bucket, "a.csv")
    for name, value in s3.credentials.items():
        monkeypatch.setenv(f"DESTINATION__FILESYSTEM__CREDENTIALS__{name.upper()}", value)
    project = {"dlt": DltProject(project_dir=tmp_path)}
    sensor = watched(tmp_path, "s3", resources=project, bucket_name=bucket)
    assert sensor.values("file_name") == ["a.csv"]


def test_a_bucket_that_is_not_there_is_told_without_the_secret(s3: S3, tmp_path: Path) -> None:
    sensor = watched(tmp_path, "s3", bucket_name="nothing", credentials=dict(s3.credentials))
    with pytest.raises(SourceError, match="the bucket 'nothing' cannot be listed") as e:
        sensor.look()
    assert SECRET not in str(e.value)
    assert SECRET not in repr(sensor.sensor)


def test_new_objects_of_google_start_runs_under_dagster_odps_names(
    gcs: Gcs, tmp_path: Path
) -> None:
    for name in ("raw/b.csv", "raw/a.csv", "raw/c.csv", "raw/", "else.csv"):
        gcs.put(name)
    sensor = watched(
        tmp_path,
        "gcs_sensor",
        bucket_name="lake",
        path_prefix_filter="raw/",
        credentials={"endpoint_url": gcs.endpoint},
    )
    assert sensor.values("file_uri") == [f"gs://lake/raw/{name}.csv" for name in "bac"]
    assert sensor.values("file_uri") == []
    gcs.put("raw/0 sorts before all others.csv")
    gcs.put("raw/a.csv")
    assert sensor.values("file_name") == ["0 sorts before all others.csv", "a.csv"]


def test_a_bucket_of_google_that_is_not_there_is_told(gcs: Gcs, tmp_path: Path) -> None:
    keys = {"endpoint_url": gcs.endpoint}
    sensor = watched(tmp_path, "gcs_sensor", bucket_name="nothing", credentials=keys)
    with pytest.raises(SourceError, match="the bucket 'nothing' cannot be listed: 404"):
        sensor.look()
