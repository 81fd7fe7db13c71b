"""`dlt.destinations.duckdb(...)`: every destination by its name, its driver imported only then."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from pydantic import ValidationError

from odp_dlt.destinations.base import Destination
from odp_dlt.destinations.base import destinations as known
from odp_dlt.dlt.destinations import exceptions as exceptions
from odp_dlt.errors import ConfigError
from odp_dlt.registry import nearest


def __getattr__(name: str) -> Callable[..., Destination]:
    """The factory of the destination `name`. AttributeError if there is none.

    It takes the destination's own parameters; the first, also as `credentials=`, by position.
    """
    if name.startswith("_"):
        raise AttributeError(name)
    if find_spec(f"{known.home}.{name}") is None:
        raise AttributeError(f"no destination is named '{name}'. {nearest(name, known.names())}")
    kind = known.find(name)

    def factory(*first: Any, **params: Any) -> Destination:
        return _made(kind, name, first, params)

    return factory


def _made(
    kind: type[Destination], name: str, first: tuple[Any, ...], params: dict[str, Any]
) -> Destination:
    fields, main = kind.model_fields, kind.main_param
    by_dlts_name = "credentials" in params and "credentials" not in kind.model_fields
    given = [*first, *([params.pop("credentials")] if by_dlts_name else [])]
    if len(given) > 1 or (given and main in params):
        raise ConfigError(f"destination '{name}' was given its {main} more than once")
    try:
        return kind.model_validate({**({main: given[0]} if given else {}), **params})
    except ValidationError as e:
        wrong = "; ".join(f"{'.'.join(map(str, x['loc']))}: {x['msg']}" for x in e.errors())
        raise ConfigError(
            f"destination '{name}': {wrong}",
            hint=f"It takes: {', '.join([main, *(f for f in fields if f != main)])}.",
        ) from e
