"""A script written for dlt, run as it is."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import duckdb
import pytest

from odp_dlt.errors import ConfigError
from odp_dlt.tasks.script import run_script

ROOT = Path(__file__).parents[2]

SCRIPT = '''
"""Issues of a repository, as a script of dlt's has it."""
from typing import Any, Iterator

import dlt
from dlt.common import pendulum
from dlt.common.time import ensure_pendulum_datetime
from dlt.common.typing import TDataItem, TDataItems
from dlt.sources import DltResource
from dlt.sources.helpers import requests

from settings_of_mine import BASE


@dlt.source(max_table_nesting=2)
def shop(api_key: str = dlt.secrets.value, base: str = BASE) -> Any:
    def fetch(path: str) -> TDataItems:
        return requests.get(f"{base}{path}", headers={"key": api_key}).json()

    @dlt.resource(primary_key="id", write_disposition="append")
    def orders(
        updated: dlt.sources.incremental[str] = dlt.sources.incremental(
            "updated_at", initial_value="2024-01-01"
        ),
    ) -> Iterator[TDataItems]:
        yield fetch(f"orders?since={updated.last_value}")

    @dlt.transformer(data_from=orders, name="lines")
    def lines(page: TDataItems) -> Iterator[TDataItem]:
        @dlt.defer
        def get(order: TDataItem) -> TDataItem:
            return {"order": order["id"], "at": ensure_pendulum_datetime(order["updated_at"])}

        for order in page:
            yield get(order)

    assert isinstance(orders, DltResource)
    return orders, lines


if __name__ == "__main__":
    assert pendulum.now().timezone_name == "UTC"
    pipeline = dlt.pipeline(
        "shop", destination=dlt.destinations.duckdb("shop.duckdb"), dataset_name="data"
    )
    print(pipeline.run(shop()))
'''


class Api(BaseHTTPRequestHandler):
    """One page of orders; the first request finds it busy, and one without a key is refused."""

    asked = 0

    def do_GET(self) -> None:
        Api.asked += 1
        status = 503 if Api.asked == 1 else 200 if self.headers["key"] == "k" else 401
        self.send_response(status)
        if status == 503:
            self.send_header("Retry-After", "0")
        self.end_headers()
        if status == 200:
            self.wfile.write(
                b'[{"id": 1, "updated_at": "2024-02-01"}, {"id": 2, "updated_at": "2024-02-02"}]'
            )

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_script_written_for_dlt_runs_unchanged_without_dlt(tmp_path: Path, api: str) -> None:
    (tmp_path / "shop_pipeline.py").write_text(SCRIPT)
    (tmp_path / "settings_of_mine.py").write_text(f"import dlt\nBASE = {api!r}\n")
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text('[sources.shop_pipeline]\napi_key = "k"\n')
    code = (
        "import sys; sys.modules['dlt'] = None\n"
        "from pathlib import Path\n"
        "from odp_dlt.tasks.script import run_script\n"
        "run_script(Path('shop_pipeline.py'))\n"
        "assert sys.modules['__main__'].__dict__.get('shop') is None\n"
    )
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    with duckdb.connect(str(tmp_path / "shop.duckdb"), read_only=True) as con:
        assert con.sql("SELECT id FROM data.orders ORDER BY id").fetchall() == [(1,), (2,)]
        assert con.sql('SELECT "order" FROM data.lines ORDER BY 1').fetchall() == [(1,), (2,)]


def test_dlt_is_the_real_one_outside_of_the_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import dlt\nassert dlt.__name__ == 'odp_dlt.dlt', dlt\n")
    run_script(script)
    import dlt

    assert dlt.__name__ == "dlt"


def test_arguments_and_the_exit_are_the_scripts_own(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nsys.exit(len(sys.argv))\n")
    before = sys.argv
    with pytest.raises(SystemExit) as left:
        run_script(script, ("a", "b"))
    assert left.value.code == 3
    assert sys.argv is before
    with pytest.raises(ConfigError, match="there is no such script"):
        run_script(tmp_path / "other.py")
