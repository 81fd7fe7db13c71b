"""What a person writes about an API, checked; dlt's keys."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from odp_dlt.errors import ConfigError
from odp_dlt.extract.resource import Resource

RESTAPIConfig = dict[str, Any]
EndpointResource = dict[str, Any]
Endpoint = dict[str, Any]
ClientConfig = dict[str, Any]
Params = dict[str, Any]


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


M = TypeVar("M", bound=_Said)


class ApiClient(_Said):
    """The API as a whole."""

    base_url: str
    headers: dict[str, str] | None = None
    auth: Any = Field(default=None, repr=False)
    paginator: Any = None
    session: Any = None


class ApiEndpoint(_Said):
    """One path of it. `json_` is `json` in the dict."""

    path: str
    method: str = "GET"
    params: Params = Field(default_factory=dict)
    json_: Any = Field(default=None, alias="json")
    data: Any = None
    headers: dict[str, Any] | None = None
    paginator: Any = None
    data_selector: Any = None
    response_actions: list[Any] | None = None
    incremental: dict[str, Any] | None = None
    auth: Any = Field(default=None, repr=False)


class ResourceConfig(_Said):
    """What one path of it is loaded as; all other keys are hints of the resource."""

    model_config = ConfigDict(extra="allow")

    name: str
    endpoint: ApiEndpoint
    include_from_parent: list[str] = Field(default_factory=list)
    processing_steps: list[dict[str, Callable[..., Any]]] = Field(default_factory=list)
    parallelized: bool = False

    @property
    def hints(self) -> Mapping[str, Any]:
        """The keywords of `dlt.resource`."""
        return dict(self.model_extra or {})


class Config(_Said):
    """The whole."""

    client: ApiClient
    resources: list[Any]
    resource_defaults: dict[str, Any] = Field(default_factory=dict)


def checked(config: Mapping[str, Any]) -> tuple[ApiClient, list[ResourceConfig | Resource]]:
    """The API and its resources, the defaults filled in. ConfigError that names the path."""
    whole = _valid(Config, {k: v for k, v in config.items() if v is not None}, "the REST API")
    made: list[ResourceConfig | Resource] = []
    for number, given in enumerate(whole.resources):
        if isinstance(given, Resource):
            made.append(given)
        else:
            merged = _merged(whole.resource_defaults, _spelled_out(given, number))
            made.append(_valid(ResourceConfig, merged, f"resources[{number}] of the REST API"))
    names = [each.name for each in made]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"the REST API has two resources named '{name}'")
    return whole.client, made


def _spelled_out(given: Any, number: int) -> dict[str, Any]:
    if isinstance(given, str):
        return {"name": given, "endpoint": {"path": given}}
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"resources[{number}] of the REST API is a {type(given).__name__}",
            hint="Give a name, a dict, or a resource.",
        )
    endpoint = given.get("endpoint") or {}
    endpoint = {"path": endpoint} if isinstance(endpoint, str) else dict(endpoint)
    return {**given, "endpoint": {"path": given.get("name"), **endpoint}}


def _merged(defaults: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults under what a resource says: params and JSON key by key, columns one by one."""
    general, special = defaults.get("endpoint") or {}, own["endpoint"]
    endpoint = {**general, **special}
    for key in ("params", "json"):
        if isinstance(general.get(key), Mapping) and isinstance(special.get(key), Mapping):
            endpoint[key] = {**general[key], **special[key]}
    merged = {**defaults, **own, "endpoint": endpoint}
    columns = defaults.get("columns"), own.get("columns")
    if all(isinstance(each, Mapping) for each in columns):
        merged["columns"] = {**columns[0], **columns[1]}  # type: ignore[dict-item]
    return merged


def _valid(model: type[M], given: Mapping[str, Any], what: str) -> M:
    try:
        return model.model_validate(given)
    except ValidationError as e:
        wrong = "; ".join(f"{'.'.join(map(str, x['loc']))}: {x['msg']}" for x in e.errors())
        known = ", ".join(field.alias or name for name, field in model.model_fields.items())
        raise ConfigError(f"{what}: {wrong}", hint=f"It takes: {known}.") from None
