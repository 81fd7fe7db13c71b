"""A dbt project on disk, and the real dbt that parses it."""

import os
import subprocess
from pathlib import Path

import pytest

needs_dbt = pytest.mark.usefixtures("dbt_program")

FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
models: {shop: {marts: {+schema: marts}}}
""",
    "profiles.yml": """
shop:
  target: dev
  outputs: {dev: {type: duckdb, path: ../data/shop.db, schema: main}}
""",
    "models/schema.yml": """
version: 2
sources:
  - name: raw
    schema: shop_data
    tables: [{name: orders}, {name: lines, identifier: ORDERS__LINES}, {name: outside}]
models:
  - name: lines
    description: All lines
    columns: [{name: sku, description: What was bought, data_type: varchar, data_tests: [not_null]}]
""",
    "models/lines.sql": "{{ config(tags=['daily']) }} select sku from {{ source('raw', 'lines') }}",
    "models/between.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('lines') }}",
    "models/marts/counts.sql": """
{{ config(materialized='table', tags=['daily', 'x']) }}
select count(*) as n, '{{ var('day', 'none') }}' as day from {{ ref('between') }}
""",
    "models/marts/last.sql": """
select counts.n from {{ ref('counts') }} as counts, {{ source('raw', 'outside') }} as outside
""",
    "models/counts_of.sql": """
{{ config(meta={'dagster': {'asset_key': ['own', 'key'], 'group': 'g'}}) }}
select 1 as n from {{ ref('countries') }}
""",
    "seeds/countries.csv": "code\nNO\n",
}


def dbt_project(folder: Path) -> Path:
    """The project in `folder`, parsed."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    parse(folder)
    return folder


def parse(folder: Path) -> None:
    done = subprocess.run(
        ["dbt", "parse", "-q"],
        cwd=folder,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
