"""The examples of dagster-odp's documentation, written anew: they load, keep their keys, and run.

Documented are loads of chess.com and of GitHub, and a pipeline of weather observations. Here
servers on loopback answer in the form of these sites. Three things are made otherwise: dbt's two
models are queries of DuckDB under the keys of the models, Soda's file of checks is a list of
checks, and the task class that downloads a file is a `python` task. What the documentation reads
from a bucket of Google's, or would load into BigQuery, are files and tables of DuckDB.
"""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner

from odp_dlt.cli.main import odp
from tests.compat.api_server import Api, Asked, Told, serving
from tests.definitions.shop_project import Project

EXAMPLES = Path(__file__).parent / "odp_examples"
MONTHS = {"2024/01": 1_704_441_600, "2024/02": 1_707_120_000}  # and a moment in each of them
CHESS = "chess_com/chess_data"


def told_of_chess(asked: Asked) -> Told:
    """Profiles, and for each month one game of the two players, which each of them has."""
    player, _, month = asked.path.removeprefix("/player/").partition("/games/")
    ids = {"magnuscarlsen": 1, "hikaru": 2}
    if not month:
        profile = {
            "@id": player,
            "player_id": ids[player],
            "username": player,
            "name": player.title(),
            "followers": 10,
            "streaming_platforms": [{"type": "twitch", "channel_url": f"https://tv/{player}"}],
        }
        return Told(profile)
    game = {
        "uuid": f"game-{month}",
        "end_time": MONTHS[month],
        "white": {"@id": "magnuscarlsen", "username": "magnuscarlsen", "result": "win"},
        "black": {"@id": "hikaru", "username": "hikaru", "result": "resigned"},
        "accuracies": {"white": 90.5, "black": 80.25},
    }
    return Told({"games": [game]})


def told_of_github(asked: Asked) -> Told:
    pull = {
        "id": 7,
        "created_at": "2024-01-02T10:00:00Z",
        "title": "A change",
        "comments": [{"id": 1, "body": "Why?"}],
        "reactions": [{"content": "heart"}],
    }
    return Told([pull, pull | {"id": 6, "created_at": "2023-12-31T10:00:00Z"}])


def weather_files(folder: Path) -> None:
    """Two stations of one country on one day, one of a country without a name on another."""
    folder.mkdir()
    with duckdb.connect() as con:
        con.execute(
            f"""
            COPY (
              SELECT * FROM (VALUES
                ('a', 'NO', DATE '2024-01-01', -4.0, 1.5), ('b', 'NO', DATE '2024-01-01', 0.0, 0.5),
                ('c', 'XX', DATE '2024-01-02', 20.0, 0.0)
              ) AS t (station_id, country_code, obs_datetime, tavg_celsius, precipitation_mm)
            ) TO '{folder}/weather_2024_01.parquet' (FORMAT parquet)
            """
        )
    codes = "iso_2,fips_10_4,country_name\nNO,NO,Norway\nSE,SW,Sweden\n"
    (folder / "country_codes.csv").write_text(codes)


@pytest.fixture
def apis(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Api]]:
    with serving(told_of_chess) as chess, serving(told_of_github) as github:
        monkeypatch.setenv("CHESS_API_URL", chess.url)
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        yield {"chess": chess, "github": github}


@pytest.fixture
def weather(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    weather_files(tmp_path / "served")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
            """Say nothing."""

    handler = partial(Quiet, directory=str(tmp_path / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        monkeypatch.setenv("WEATHER_URL", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()
        thread.join()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def example(name: str, folder: Path) -> Project:
    ignored = shutil.ignore_patterns("__pycache__")
    return Project(Path(shutil.copytree(EXAMPLES / name, folder / name, ignore=ignored)))


def rows(database: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(database, read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.mark.usefixtures("apis", "weather")
@pytest.mark.parametrize(
    ("name", "outside", "made"),
    [
        (
            "chess",
            {CHESS},
            {
                f"{CHESS}/players_profiles",
                f"{CHESS}/players_profiles__streaming_platforms",
                f"{CHESS}/players_games",
                "monthly_player_stats",
                "monthly_player_profiles",
                "player_profiles_export",
            },
        ),
        (
            "weather",
            set(),
            {
                "raw_weather_data",
                "raw_country_data",
                "duckdb_weather_table",
                "duckdb_country_table",
                "aggregated_weather_data",
                "export_aggregated_data",
            },
        ),
        (
            "github",
            {"github/api"},
            {
                "github/api/pull_requests",
                "github/api/pull_requests__comments",
                "github/api/pull_requests__reactions",
                "process_pull_requests",
            },
        ),
    ],
)
def test_documented_examples_are_valid_and_keep_their_asset_keys(
    name: str, outside: set[str], made: set[str], tmp_path: Path
) -> None:
    project = example(name, tmp_path)
    checked = CliRunner().invoke(
        odp, ["--config-dir", str(project.root / "odp_config"), "validate"]
    )
    assert checked.exit_code == 0, checked.output
    graph = project.build().resolve_asset_graph()
    there = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert there - outside == made
    assert {key.to_user_string() for key in graph.external_asset_keys} == outside


@pytest.mark.usefixtures("apis")
def test_jobs_ops_and_schedules_have_the_documented_names(tmp_path: Path) -> None:
    defs = example("chess", tmp_path).build()
    games = defs.resolve_assets_def(dg.AssetKey([*CHESS.split("/"), "players_games"]))
    assert games.op.name == "chess_com__chess_data__players_games"
    job = defs.resolve_job_def("monthly_chess_data_ingestion")
    selected = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert selected == {
        f"{CHESS}/players_games",
        "monthly_player_stats",
        "monthly_player_profiles",
        "player_profiles_export",
    }
    schedule = defs.resolve_schedule_def("monthly_chess_data_schedule")
    assert schedule.cron_schedule == "0 0 1 * *"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_the_chess_example_runs_a_month_after_the_other(
    apis: dict[str, Api], tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = example("chess", tmp_path)
    nested = f"{CHESS}/players_profiles__streaming_platforms"
    profiles = project.run([f"{CHESS}/players_profiles", nested], instance)
    assert profiles.failure is None, profiles.error
    assert profiles.made[nested]["rows_loaded"] == 2
    apis["chess"].forget()
    for day in ("2024-01-01", "2024-02-01"):
        month = project.run([f"{CHESS}/players_games", "monthly_player_stats"], instance, day)
        assert month.failure is None, month.error
        assert month.made[f"{CHESS}/players_games"]["rows_loaded"] == 2
    asked = {one.path for one in apis["chess"].asked}
    assert asked == {
        f"/player/{player}/games/{month}"
        for player in ("magnuscarlsen", "hikaru")
        for month in MONTHS
    }
    rest = project.run(["monthly_player_profiles", "player_profiles_export"], instance)
    assert rest.failure is None, rest.error
    exported = (project.root / "data/monthly_player_profiles.csv").read_text().splitlines()
    assert exported == [
        "player_id,player_name,game_month,total_games,total_wins",
        "hikaru,Hikaru,2024-01-01,1,0",
        "hikaru,Hikaru,2024-02-01,1,0",
        "magnuscarlsen,Magnuscarlsen,2024-01-01,1,1",
        "magnuscarlsen,Magnuscarlsen,2024-02-01,1,1",
    ]


@pytest.mark.usefixtures("weather")
def test_the_weather_example_runs_from_download_to_export(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project = example("weather", tmp_path)
    job = project.build().resolve_job_def("weather_analysis")
    result = job.execute_in_process(instance=instance)
    assert result.success
    exported = (project.root / "data/aggregated_weather_data_2024_01.csv").read_text()
    assert exported.splitlines() == [
        "country_code_2,country_name,obs_datetime,avg_tavg_celsius,total_precipitation_mm,"
        "station_count",
        "NO,Norway,2024-01-01,-2.0,2.0,2",
        ",,2024-01-02,20.0,0.0,1",
    ]


@pytest.mark.usefixtures("apis")
def test_the_github_example_loads_one_day_with_its_nested_tables(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    project, pulls = example("github", tmp_path), "github/api/pull_requests"
    keys = [pulls, f"{pulls}__comments", f"{pulls}__reactions"]
    day = project.run(keys, instance, "2024-01-01")
    assert day.failure is None, day.error
    assert {key: made["rows_loaded"] for key, made in day.made.items()} == dict.fromkeys(keys, 1)
    after = project.run(["process_pull_requests"], instance)
    assert after.made["process_pull_requests"]["row_count"] == 1
    assert rows(project.root / "data/github.db", "SELECT id FROM github_data.pull_requests") == [
        (7,)
    ]
