"""`dagster dev` in the working directory, until it has loaded the project; then it is stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE_S = 120.0
ASSETS = "{ assetNodes { assetKey { path } } }"


def main() -> int:
    """0 if the webserver knows assets of the project before the time is up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dagster = Path(sysconfig.get_path("scripts")) / "dagster"
    with tempfile.TemporaryFile() as said:
        server = subprocess.Popen(
            [dagster, "dev", "-p", str(port)], stdout=said, stderr=said, start_new_session=True
        )
        try:
            answered = _answers(f"http://127.0.0.1:{port}/graphql", server)
        finally:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(timeout=PATIENCE_S)
        said.seek(0)
        sys.stderr.write("" if answered else said.read().decode(errors="replace"))
    return 0 if answered else 1


def _answers(url: str, server: "subprocess.Popen[bytes]") -> bool:
    body = json.dumps({"query": ASSETS}).encode()
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                if json.load(answer)["data"]["assetNodes"]:
                    return True
        except (urllib.error.URLError, OSError, TypeError, KeyError):
            pass
        time.sleep(0.5)
    return False


if __name__ == "__main__":
    sys.exit(main())
