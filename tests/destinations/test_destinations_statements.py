"""The SQL of the dispositions, as text."""

from datetime import UTC, datetime
from typing import Any

import pytest

from odp_dlt.destinations.merge import merge
from odp_dlt.destinations.replace import replace
from odp_dlt.destinations.scd2 import active_until, boundary, scd2
from odp_dlt.destinations.statements import Target, newest
from odp_dlt.errors import ConfigError
from odp_dlt.extract.hints import Hints
from odp_dlt.schema.merging import Merging, merging
from odp_dlt.schema.model import Table
from odp_dlt.schema.naming import naming_convention

NAMING = naming_convention("snake_case")


def root(disposition: Any, **hints: Any) -> tuple[Table, Merging]:
    table = Hints.of({"write_disposition": disposition, **hints}).table("t", NAMING)
    how = merging(table)
    assert how is not None
    return table, how


def family(table: Table) -> list[Target]:
    nested = Table("t__l", parent="t")
    deepest = Table("t__l__m", parent="t__l")
    return [
        Target(table, '"d"."t"', "s0", ("id", "v", "_dlt_id")),
        Target(nested, '"d"."t__l"', "s1", ("n",)),
        Target(deepest, '"d"."t__l__m"'),
    ]


def test_replace_empties_the_deepest_tables_first() -> None:
    table, _ = root({"disposition": "merge"}, primary_key="id")
    assert replace(family(table)) == [
        'DELETE FROM "d"."t__l__m"',
        'DELETE FROM "d"."t__l"',
        'DELETE FROM "d"."t"',
    ]


def test_a_merge_chooses_then_deletes_deepest_first_then_inserts_parents_first() -> None:
    table, how = root({"disposition": "merge"}, primary_key="id", merge_key="v")
    chosen, *deleted, inserted, nested, dropped = merge(family(table), how)
    assert chosen == (
        'CREATE TEMPORARY TABLE odp_kept AS SELECT "_odp_row" FROM (SELECT s."_odp_row", (1 = 0) '
        'AS is_deleted, ROW_NUMBER() OVER (PARTITION BY s."id" ORDER BY s."_odp_row" DESC) '
        "AS rank_of_key FROM s0 AS s) AS r WHERE rank_of_key = 1 AND NOT is_deleted"
    )
    expected = []
    for key in ("id", "v"):
        match = f'"d"."t"."{key}" IN (SELECT o."{key}" FROM s0 AS o)'
        gone = f'"_dlt_root_id" IN (SELECT "_dlt_id" FROM "d"."t" WHERE {match})'
        expected += [
            f'DELETE FROM "d"."t__l__m" WHERE {gone}',
            f'DELETE FROM "d"."t__l" WHERE {gone}',
            f'DELETE FROM "d"."t" WHERE {match}',
        ]
    assert deleted == expected
    kept = 's."_odp_row" IN (SELECT o."_odp_row" FROM odp_kept AS o)'
    assert inserted == (
        'INSERT INTO "d"."t" ("id", "v", "_dlt_id") '
        f'SELECT s."id", s."v", s."_dlt_id" FROM s0 AS s WHERE {kept}'
    )
    assert nested == f'INSERT INTO "d"."t__l" ("n") SELECT s."n" FROM s1 AS s WHERE {kept}'
    assert dropped == "DROP TABLE odp_kept"


def test_insert_only_deletes_nothing_and_upsert_ignores_the_merge_key() -> None:
    table, how = root({"strategy": "insert-only"}, primary_key="id")
    assert not [sql for sql in merge(family(table), how) if sql.startswith("DELETE")]
    _, how = root({"strategy": "upsert"}, primary_key="id", merge_key="v")
    assert how.keys == (("id",),)


def test_scd2_ends_versions_at_the_moment_at_which_others_begin() -> None:
    table, how = root({"strategy": "scd2"})
    chosen, ended, retired, inserted, *_ = scd2(family(table), how, "NOW", "NULL")
    assert 'MIN(s."_odp_row")' in chosen and 'GROUP BY s."_dlt_id"' in chosen
    assert ended.startswith("CREATE TEMPORARY TABLE odp_ended AS ")
    assert retired.startswith('UPDATE "d"."t" SET "_dlt_valid_to" = NOW WHERE ')
    assert '"_dlt_valid_from", "_dlt_valid_to") SELECT' in inserted and "NOW, NULL FROM" in inserted


def test_moments_of_scd2_are_read_as_people_write_them() -> None:
    options = {"strategy": "scd2", "active_record_timestamp": "9999-12-31"}
    table, _ = root({**options, "boundary_timestamp": "2024-01-31T12:00:00+02:00"})
    assert boundary(table) == datetime(2024, 1, 31, 10, tzinfo=UTC)
    assert active_until(table) == datetime(9999, 12, 31, tzinfo=UTC)
    table, _ = root({"strategy": "scd2", "boundary_timestamp": "yesterday"})
    with pytest.raises(ConfigError, match="'yesterday' is no date or time"):
        boundary(table)


def test_names_are_quoted_and_values_are_parameters() -> None:
    assert newest('"d"."t"', {'a"b': "x'", "c": "y"}, "at") == (
        'SELECT * FROM "d"."t" WHERE "a""b" = $1 AND "c" = $2 ORDER BY "at" DESC LIMIT 1'
    )
