"""The resources of an API that a dict describes, and a source of them."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import requests
from requests.auth import AuthBase

from odp_dlt.errors import ConfigError
from odp_dlt.extract.decorators import resource, source, transformer
from odp_dlt.extract.incremental import Incremental
from odp_dlt.extract.inject import Values
from odp_dlt.extract.pool import defer
from odp_dlt.extract.resource import Resource
from odp_dlt.extract.source import Source
from odp_dlt.registry import nearest
from odp_dlt.sources import auth as auths
from odp_dlt.sources import paginators
from odp_dlt.sources.paginators import BasePaginator
from odp_dlt.sources.rest_api.expressions import filled
from odp_dlt.sources.rest_api.models import ApiClient, RESTAPIConfig, checked
from odp_dlt.sources.rest_api.parents import Fed, in_order
from odp_dlt.sources.rest_client import IgnoreResponseException, RESTClient, raise_for_status

_FROM_SETTINGS = Values(secret=False)

PAGINATORS: Mapping[str, Callable[..., BasePaginator] | None] = MappingProxyType(
    {
        "auto": None,
        "json_link": paginators.JSONLinkPaginator,
        "json_response": paginators.JSONLinkPaginator,
        "header_link": paginators.HeaderLinkPaginator,
        "header_cursor": paginators.HeaderCursorPaginator,
        "single_page": paginators.SinglePagePaginator,
        "cursor": paginators.JSONResponseCursorPaginator,
        "offset": paginators.OffsetPaginator,
        "page_number": paginators.PageNumberPaginator,
    }
)
AUTHS: Mapping[str, Callable[..., auths.AuthConfigBase]] = MappingProxyType(
    {
        "bearer": auths.BearerTokenAuth,
        "api_key": auths.APIKeyAuth,
        "http_basic": auths.HttpBasicAuth,
        "oauth2_client_credentials": auths.OAuth2ClientCredentials,
    }
)


def rest_api_source(
    config: RESTAPIConfig,
    name: str | None = None,
    section: str | None = None,
    parallelized: bool = False,
    **options: Any,
) -> Source:
    """A source of the resources that `config` describes; `options` are those of `dlt.source`."""
    made = source(
        lambda: rest_api_resources(config),
        name=name or "rest_api",
        section=section or "rest_api",
        parallelized=parallelized,
        **options,
    )
    return made()


def rest_api_resources(config: RESTAPIConfig) -> list[Resource]:
    """The resources that `config` describes, each after its parent.

    ConfigError that says where, if the config is none; nothing is asked of the API yet.
    """
    client, configs = checked(config)
    made: dict[str, Resource] = {}
    for each in in_order(configs):
        made[each.name if isinstance(each, Resource) else each.config.name] = (
            each if isinstance(each, Resource) else _made(client, each, made)
        )
    return list(made.values())


def _rest_api(
    resources: Any = _FROM_SETTINGS.value,
    client: Any = _FROM_SETTINGS.value,
    resource_defaults: dict[str, Any] | None = None,
) -> list[Resource]:
    return rest_api_resources(
        {"client": client, "resources": resources, "resource_defaults": resource_defaults}
    )


rest_api = source(_rest_api, name="rest_api", section="rest_api")
"""The source whose arguments are the keys of the config."""


def create_paginator(said: Any) -> BasePaginator | None:
    """The paginator that is meant: itself, a name, or a dict of `type` and arguments."""
    if said is None or isinstance(said, BasePaginator):
        return said
    kind, arguments = (said, {}) if isinstance(said, str) else _kind(said, "auto", "a paginator")
    if kind not in PAGINATORS:
        raise ConfigError(f"there is no paginator '{kind}'", hint=nearest(kind, PAGINATORS))
    made = PAGINATORS[kind]
    try:
        return made(**arguments) if made else None
    except TypeError as e:
        raise ConfigError(f"the paginator '{kind}': {e}") from e


def create_auth(said: Any) -> AuthBase | None:
    """The auth that is meant: itself, or a dict of `type` (bearer if left out) and fields."""
    if said is None or isinstance(said, AuthBase):
        return said
    kind, fields = (said, {}) if isinstance(said, str) else _kind(said, "bearer", "auth")
    if kind not in AUTHS:
        raise ConfigError(f"there is no auth '{kind}'", hint=nearest(kind, AUTHS))
    try:
        made = AUTHS[kind](**fields)
    except TypeError as e:
        raise ConfigError(f"the auth '{kind}': {e}") from None
    if made.missing():
        raise ConfigError(f"the auth '{kind}' lacks: {', '.join(made.missing())}")
    return made


def _kind(said: Any, default: str, what: str) -> tuple[str, dict[str, Any]]:
    if not isinstance(said, Mapping):
        raise ConfigError(f"{what} cannot be a {type(said).__name__}")
    return str(said.get("type") or default), {k: v for k, v in said.items() if k != "type"}


def _made(client: ApiClient, fed: Fed, parents: Mapping[str, Resource]) -> Resource:
    endpoint, config = fed.endpoint, fed.config
    asking = RESTClient(
        client.base_url,
        client.headers,
        create_auth(endpoint.auth or client.auth),
        create_paginator(client.paginator),
        session=client.session,
    )
    actions = endpoint.response_actions
    hooks = {"response": [*map(_hook, actions), raise_for_status]} if actions else None
    reader = _Reader(fed, asking, create_paginator(endpoint.paginator), hooks, *_cursor(fed))
    if fed.parent is None:
        made = resource(reader.whole(), name=config.name, **config.hints)
        made.parallelized = config.parallelized
    else:
        parent = parents[fed.parent]
        made = transformer(reader.by_parent(), data_from=parent, name=config.name, **config.hints)
    for step in config.processing_steps:
        for kind, function in step.items():
            add = {"filter": made.add_filter, "map": made.add_map, "yield_map": made.add_yield_map}
            if kind not in add:
                raise ConfigError(f"there is no processing step '{kind}'", hint=nearest(kind, add))
            add[kind](function)
    return made


@dataclass(frozen=True)
class _Cursor:
    """How a cursor's values are asked for: as params, or in braces."""

    start_param: str | None = None
    end_param: str | None = None
    convert: Callable[[Any], Any] | None = None

    def of(self, value: Any) -> Any:
        return value if value is None or self.convert is None else self.convert(value)

    def params(self, cursor: Incremental[Any]) -> dict[str, Any]:
        values = {self.start_param: cursor.last_value, self.end_param: cursor.end_value}
        return {name: self.of(value) for name, value in values.items() if name}

    def values(self, cursor: Incremental[Any]) -> dict[str, Any]:
        names = ("initial_value", "start_value", "last_value", "end_value")
        return {f"incremental.{name}": self.of(getattr(cursor, name)) for name in names}


def _cursor(fed: Fed) -> tuple[Incremental[Any] | None, _Cursor]:
    """The incremental of an endpoint, and how it is asked for. ConfigError for two."""
    endpoint, name = fed.endpoint, fed.config.name
    found: list[tuple[Incremental[Any], _Cursor]] = []
    for param, value in endpoint.params.items():
        if isinstance(value, Incremental):
            found.append((value, _Cursor(param)))
        elif isinstance(value, Mapping) and value.get("type") == "incremental":
            found.append(_told({**value, "start_param": param}, name))
    if endpoint.incremental:
        found.append(_told(endpoint.incremental, name))
    if len(found) > 1:
        raise ConfigError(f"resource '{name}' has several incrementals", hint="Leave one.")
    return found[0] if found else (None, _Cursor())


def _told(said: Mapping[str, Any], name: str) -> tuple[Incremental[Any], _Cursor]:
    how = ("start_param", "end_param", "convert", "transform", "type")
    arguments = {key: value for key, value in said.items() if key not in how}
    try:
        made: Incremental[Any] = Incremental(**arguments)
    except TypeError as e:
        raise ConfigError(f"incremental of resource '{name}': {e}") from e
    convert = said.get("convert") or said.get("transform")
    return made, _Cursor(said.get("start_param"), said.get("end_param"), convert)


@dataclass(frozen=True)
class _Reader:
    """Reads one endpoint: once, or once for each row of its parent."""

    fed: Fed
    client: RESTClient
    paginator: BasePaginator | None
    hooks: Mapping[str, Any] | None
    cursor: Incremental[Any] | None
    asked: _Cursor

    def whole(self) -> Callable[..., Iterator[Any]]:
        """The function of a resource without a parent."""

        def pages(incremental_object: Any = self.cursor) -> Iterator[Any]:
            yield from self._pages({}, incremental_object)

        return pages

    def by_parent(self) -> Callable[..., Iterator[Any]]:
        """The function of a transformer: a page of the parent's rows, or one row."""

        def pages(items: Any, incremental_object: Any = self.cursor) -> Iterator[Any]:
            for row in items if isinstance(items, list) else [items]:
                if self.fed.config.parallelized:
                    yield defer(self._rows)(row, incremental_object)
                else:
                    yield from self._of(row, incremental_object)

        return pages

    def _rows(self, row: Any, cursor: Incremental[Any] | None) -> list[Any]:
        return [each for page in self._of(row, cursor) for each in page]

    def _of(self, row: Any, cursor: Incremental[Any] | None) -> Iterator[Any]:
        inherited = self.fed.inherited(row)
        for page in self._pages(self.fed.values(row), cursor):
            for each in page if inherited else ():
                each.update(inherited)
            yield page

    def _pages(self, values: Mapping[str, Any], cursor: Incremental[Any] | None) -> Iterator[Any]:
        endpoint, params = self.fed.endpoint, _plain(self.fed.endpoint.params)
        if cursor is not None:
            values = {**values, **self.asked.values(cursor)}
            params |= self.asked.params(cursor)
        yield from self.client.paginate(
            filled(endpoint.path, values),
            endpoint.method,
            params=filled(params, values),
            json=filled(endpoint.json_, values, keep_type=True),
            data=filled(endpoint.data, values),
            headers=filled(endpoint.headers, values),
            paginator=copy.deepcopy(self.paginator),
            data_selector=endpoint.data_selector,
            hooks=self.hooks,
        )


def _plain(params: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in params.items() if not isinstance(v, (Mapping, Incremental))}


def _hook(action: Any) -> Callable[..., Any]:
    """A hook of requests for one of `response_actions`: a function, or what to do when."""
    if callable(action):
        found: Callable[..., Any] = action
        return found
    when = {"status_code", "content"} & set(action) if isinstance(action, Mapping) else set()
    what = action.get("action") if isinstance(action, Mapping) else None
    wanted: Sequence[Any] = what if isinstance(what, (list, tuple)) else [what]
    if not when or not all(each == "ignore" or callable(each) for each in wanted):
        raise ConfigError(
            f"a response action cannot be {action!r}",
            hint="Give a function, or a dict of status_code or content and action.",
        )

    def hook(response: requests.Response, *args: Any, **kwargs: Any) -> Any:
        if not _matches(response, action):
            return response
        for each in wanted:
            if each == "ignore":
                raise IgnoreResponseException
            response = each(response, *args, **kwargs) or response
        return response

    return hook


def _matches(response: requests.Response, action: Mapping[str, Any]) -> bool:
    status, content = action.get("status_code"), action.get("content")
    fits = status is None or str(status) == str(response.status_code)
    return fits and (content is None or content in response.text)
