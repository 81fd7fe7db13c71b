"""A program that a task runs: its lines as they come, and its end with that of the run."""

import os
import queue
import re
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from odp_dlt.errors import ConfigError, SourceError

TAIL_LINES = 20  # of what it last said, in the error
GRACE_S = 5.0  # from SIGTERM to SIGKILL
ECHO_S = 1.0  # how long after its end a child in the background may keep its streams open
POLL_S = 0.1
MOST_WAITING = 10_000  # lines that are read and not yet taken; then the program waits

_SECRET_NAME = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)
_SHORTEST_SECRET = 4  # the text of shorter ones is anywhere

Line = tuple[str, str]  # "stdout" or "stderr", and the line without its end


@dataclass(frozen=True)
class Program:
    """A program with its arguments; `variables` are added to the environment of this process."""

    arguments: Sequence[str]
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None

    @contextmanager
    def started(self) -> Iterator[Iterator[Line]]:
        """Its lines while it runs. Leaving the `with` before its end ends it, with its children.

        The lines end with SourceError if it fails or takes too long. ConfigError if there is no
        such program or folder.
        """
        process = self._process({"PYTHONUNBUFFERED": "1", **os.environ, **self.variables})
        stopped = threading.Event()
        try:
            yield self._lines(process, stopped)
        finally:
            stopped.set()
            _end(process)

    def shown(self, text: str) -> str:
        """`text` as a log may have it: without the values of variables named like secrets."""
        environment = {**os.environ, **self.variables}
        secrets = {v for k, v in environment.items() if _SECRET_NAME.search(k)}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***") if len(secret) >= _SHORTEST_SECRET else text
        return text

    def _process(self, environment: Mapping[str, str]) -> "subprocess.Popen[str]":
        try:
            return subprocess.Popen(
                list(self.arguments),
                cwd=self.folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that its children end with it
            )
        except OSError as e:
            if not self.folder.is_dir():
                raise ConfigError(f"there is no folder '{self.folder}' to run in") from e
            raise ConfigError(
                f"the program '{self.arguments[0]}' cannot be started: {e.strerror}",
                hint="A path counts from the folder that it runs in; no shell looks it up.",
            ) from e

    def _lines(self, process: "subprocess.Popen[str]", stopped: threading.Event) -> Iterator[Line]:
        end = None if self.timeout_s is None else time.monotonic() + self.timeout_s
        last = {name: deque[str](maxlen=TAIL_LINES) for name in ("stdout", "stderr")}
        for name, line in self._merged(process, stopped, end):
            last[name].append(line)
            yield name, line
        while process.poll() is None:
            self._check(end)
            time.sleep(POLL_S)
        if process.returncode != 0:
            said = "\n  ".join(last["stderr"] or last["stdout"]) or "It said nothing."
            command = shlex.join(self.arguments)
            raise SourceError(
                self.shown(f"the command '{command}' {_fate(process.returncode)}"),
                hint=self.shown(said),
            )

    def _merged(
        self,
        process: "subprocess.Popen[str]",
        stopped: threading.Event,
        end: float | None,
    ) -> Iterator[Line]:
        """The lines of both streams until these are closed, or nobody is left to write."""
        lines: queue.Queue[Line | None] = queue.Queue(MOST_WAITING)
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert stream is not None
            threading.Thread(target=_read, args=(name, stream, lines, stopped), daemon=True).start()
        still_open, quiet_since = 2, time.monotonic()
        while still_open:
            self._check(end)
            try:
                line = lines.get(timeout=POLL_S)
            except queue.Empty:
                gone = process.poll() is not None
                if gone and time.monotonic() - quiet_since > ECHO_S:
                    return
                continue
            quiet_since = time.monotonic()
            if line is None:
                still_open -= 1
            else:
                yield line

    def _check(self, end: float | None) -> None:
        if end is not None and time.monotonic() > end:
            raise SourceError(
                self.shown(f"the command '{shlex.join(self.arguments)}'")
                + f" took more than {self.timeout_s:g} s",
                hint="It was ended. Raise `timeout_s` if it may take longer.",
            )


def _read(
    name: str, stream: IO[str], lines: "queue.Queue[Line | None]", stopped: threading.Event
) -> None:
    with stream:
        try:
            for line in stream:
                _put((name, line.rstrip("\n")), lines, stopped)
        except (OSError, ValueError):  # closed from outside, as the program is ended
            pass
    _put(None, lines, stopped)


def _put(line: Line | None, lines: "queue.Queue[Line | None]", stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            lines.put(line, timeout=POLL_S)
            return
        except queue.Full:
            continue


def _end(process: "subprocess.Popen[str]") -> None:
    """End what still runs of the program's process group, gently first."""
    if process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal(process, signal.SIGKILL)  # of its children too, whatever they made of SIGTERM
        process.wait()


def _signal(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _fate(code: int) -> str:
    if code > 0:
        return f"ended with code {code}"
    return f"was killed by {signal.Signals(-code).name}"
