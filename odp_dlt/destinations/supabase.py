"""Supabase: PostgreSQL, reached with TLS and mostly through its pooler.

A session is one transaction and needs nothing that outlives it, so both modes of the pooler do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from odp_dlt.destinations.base import Session
from odp_dlt.destinations.postgres import Postgres
from odp_dlt.errors import ConfigError

_PORT, _DATABASE = "5432", "postgres"
_OWN = frozenset(
    {
        *("auth", "extensions", "graphql", "graphql_public", "net", "pgbouncer", "pgsodium"),
        *("pgsodium_masks", "realtime", "storage", "supabase_functions", "supabase_migrations"),
        *("vault",),
    }
)


class Supabase(Postgres):
    """A project's database. `host` is the pooler's, as the direct one is reached by IPv6 alone.

    What is not given comes from `[destination.supabase.credentials]`, as for PostgreSQL. `sslmode`
    is libpq's; a connection string may say a stricter one.
    """

    sslmode: Literal["require", "verify-ca", "verify-full"] = "require"
    sslrootcert: str | None = None

    @contextmanager
    def open(self, dataset: str, *, write: bool = True) -> Iterator[Session]:
        if write and dataset in _OWN:
            raise ConfigError(
                f"'{dataset}' is a schema of Supabase's own",
                hint="Choose another dataset_name.",
            )
        with super().open(dataset, write=write) as session:
            yield session

    def _parts(self) -> dict[str, str]:
        """With TLS, and the port and database that every project has."""
        parts = super()._parts()
        if parts.get("sslmode") in ("disable", "allow", "prefer"):
            raise ConfigError(
                f"sslmode={parts['sslmode']} would let passwords pass without TLS",
                hint="Leave it out, or say require, verify-ca or verify-full.",
            )
        parts = {"port": _PORT, "dbname": _DATABASE, "sslmode": self.sslmode, **parts}
        return parts | ({"sslrootcert": self.sslrootcert} if self.sslrootcert else {})
