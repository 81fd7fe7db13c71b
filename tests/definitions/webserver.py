"""The real webserver on a free port of this machine, asked over GraphQL."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAUNCH = """
mutation ($p: ExecutionParams!) {
  launchRun(executionParams: $p) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on InvalidSubsetError { message }
  }
}"""
TERMINATE = """
mutation ($id: String!) {
  terminateRun(runId: $id) {
    __typename
    ... on TerminateRunFailure { message }
    ... on PythonError { message }
  }
}"""
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
BACKFILL = """
mutation ($p: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $p) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
RUNS_OF = """
query ($id: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { status tags { key value } } }
  }
}"""
LOCATIONS = """
{ repositoriesOrError { __typename ... on RepositoryConnection { nodes { name location { name } } }
} }
"""
PATIENCE_S = 120.0
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class Webserver:
    """A running webserver; `location` is the code location it has loaded."""

    url: str
    location: str

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        return ask(self.url, query, variables)

    def materialize(self, *keys: str, partition: str | None = None) -> str:
        """Launch a run of the assets `keys`, wait for its end, and give its status."""
        return self.wait(self.launch(*keys, partition=partition))

    def launch(self, *keys: str, partition: str | None = None) -> str:
        """Launch a run of the assets `keys`; its id."""
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        params = {
            "mode": "default",
            "runConfigData": {},
            "executionMetadata": {"tags": tags},
            "selector": self.selector(*keys),
        }
        launched = self.ask(LAUNCH, p=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def selector(self, *keys: str) -> dict[str, Any]:
        """What GraphQL calls the job of the assets `keys`."""
        return {
            "repositoryName": "__repository__",
            "repositoryLocationName": self.location,
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": key.split("/")} for key in keys],
        }

    def terminate(self, run_id: str) -> None:
        """Ask the run to end, as the button in the browser does."""
        said = self.ask(TERMINATE, id=run_id)["terminateRun"]
        assert said["__typename"] == "TerminateRunSuccess", said

    def backfill(self, key: str, partitions: Sequence[str]) -> str:
        """Ask for a backfill of an asset, which the daemon then runs; its id."""
        params = {
            "assetSelection": [{"path": key.split("/")}],
            "partitionNames": list(partitions),
            "tags": [],
        }
        launched = self.ask(BACKFILL, p=params)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def wait_for_backfill(self, backfill: str, runs: int, patience_s: float) -> dict[str, str]:
        """Partition → status of its run, once all `runs` of the backfill have ended."""
        until = time.monotonic() + patience_s
        found: dict[str, str] = {}
        while time.monotonic() < until:
            found = {
                tag["value"]: run["status"]
                for run in self.ask(RUNS_OF, id=backfill)["runsOrError"]["results"]
                for tag in run["tags"]
                if tag["key"] == "dagster/partition"
            }
            if len(found) == runs and set(found.values()) <= ENDED:
                return found
            time.sleep(1)
        raise TimeoutError(f"the backfill has not ended: {found}")

    def wait(self, run_id: str) -> str:
        """The status that the run ends with."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            status = str(self.ask(STATUS, id=run_id)["runOrError"]["status"])
            if status in ENDED:
                return status
            time.sleep(0.5)
        raise TimeoutError(f"run {run_id} has not ended")


def ask(url: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)
    assert "errors" not in found, found
    data: dict[str, Any] = found["data"]
    return data


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


AT_ONCE = "run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}\n"
"""Runs start without a daemon."""


@contextmanager
def daemon(project: Path, module: str, home: Path) -> Iterator[None]:
    """Dagster's daemon for the instance in `home`."""
    program = Path(sys.executable).with_name("dagster-daemon")
    with (home / "daemon.log").open("w") as log:
        process = subprocess.Popen(
            [program, "run", "-m", module],
            cwd=project,
            env={**os.environ, "DAGSTER_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def webserver(
    project: Path,
    module: str,
    home: Path,
    coordinator: str = AT_ONCE,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Webserver]:
    """The webserver over `module` in the folder `project`, its instance in `home`.

    `variables` are further ones of the environment, for its runs too.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\n{coordinator}")
    port = free_port()
    program = Path(sys.executable).with_name("dagster-webserver")
    with (home / "webserver.log").open("w") as log:
        process = subprocess.Popen(
            [program, "-m", module, "-h", "127.0.0.1", "-p", str(port)],
            cwd=project,
            env={**os.environ, "DAGSTER_HOME": str(home), **(variables or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            yield Webserver(url, _loaded(url, process, home / "webserver.log"))
        finally:
            process.terminate()
            process.wait(30)


def _loaded(url: str, process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the code location is loaded; its name."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            found = ask(url, LOCATIONS, {})["repositoriesOrError"]
        except OSError:
            time.sleep(0.2)
            continue
        if found.get("nodes"):
            return str(found["nodes"][0]["location"]["name"])
        time.sleep(0.2)
    raise RuntimeError(f"the webserver did not come up:\n{log.read_text()[-3000:]}")
