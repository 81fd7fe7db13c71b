"""One file from the net."""

from typing import Any

import requests


def download(context: Any, source_url: str, destination_file_path: str) -> dict[str, Any]:
    """Write what is at `source_url` to a path that counts from the project's folder."""
    answer = requests.get(source_url, timeout=30)
    answer.raise_for_status()
    file = context.site.root / destination_file_path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(answer.content)
    return {"file_size": len(answer.content), "destination": destination_file_path}
