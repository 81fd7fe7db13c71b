"""Tickets of a help desk and the comments on them: a source for dlt, taken over as it was.

There is nothing of odp_dlt in this file: in this project, and under `odp run-script helpdesk.py`
in this folder, `import dlt` finds its engine. With dlt installed, `python helpdesk.py` runs on
that.
"""

from collections.abc import Iterator
from typing import Any

import dlt
import helpdesk_sample
from dlt.common.typing import TDataItem, TDataItems
from dlt.sources.helpers import requests


@dlt.source
def helpdesk(
    api_url: str = dlt.config.value, api_key: str | None = dlt.secrets.value, page_size: int = 20
) -> Any:
    """The tickets that changed since the last run, and the comments on those.

    `api_url` stands in .dlt/config.toml; "sample" there is the small server beside this file, which
    needs no `api_key`.
    """
    base_url = helpdesk_sample.address() if api_url == "sample" else api_url
    client = requests.Client(request_timeout=30, session_attrs={"trust_env": False})  # no proxy
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    @dlt.resource(primary_key="id", write_disposition="merge")
    def tickets(
        updated_at: dlt.sources.incremental[str] = dlt.sources.incremental(
            "updated_at", initial_value="2026-01-01T00:00:00Z"
        ),
    ) -> Iterator[TDataItems]:
        query = {"updated_since": updated_at.start_value, "per_page": str(page_size), "page": "1"}
        while True:
            answer = client.get(f"{base_url}/tickets", params=query, headers=headers).json()
            yield answer["tickets"]
            if not answer["next_page"]:
                return
            query["page"] = str(answer["next_page"])

    @dlt.transformer(data_from=tickets, primary_key="id", write_disposition="merge")
    def comments(page: list[TDataItem]) -> Iterator[TDataItems]:
        for ticket in page:
            url = f"{base_url}/tickets/{ticket['id']}/comments"
            yield client.get(url, headers=headers).json()

    return tickets, comments


if __name__ == "__main__":
    pipeline = dlt.pipeline("helpdesk", destination="duckdb", dataset_name="helpdesk_data")
    print(pipeline.run(helpdesk()))  # noqa: T201 - a script
