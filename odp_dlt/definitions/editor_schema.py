"""JSON Schemas of the two kinds of YAML files, so that editors complete and check what is written.

They are made of the models that also read the files; what a kind of task, destination or resource
takes is that kind's own model.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from odp_dlt.checks.base import checks
from odp_dlt.destinations.base import destinations
from odp_dlt.errors import ConfigError
from odp_dlt.registry import Registry
from odp_dlt.resources.base import resources
from odp_dlt.sensors.base import sensors
from odp_dlt.tasks.base import tasks
from odp_dlt.workflow.models import Asset, Executor, Job, Partition, ResourceConfig, SodaCheck

DIALECT = "https://json-schema.org/draft/2020-12/schema"
WORKFLOW, CONFIG = "workflow.schema.json", "dagster_config.schema.json"

_TEMPLATE = {"type": "string", "pattern": r"\{\{"}

Json = dict[str, Any]


def editor_schemas() -> dict[str, Json]:
    """File name → schema: of the files of `workflows/`, and of `dagster_config`."""
    lists: dict[str, type[BaseModel]] = {
        "assets": Asset,
        "partitions": Partition,
        "jobs": Job,
        "soda_checks": SodaCheck,
    }
    workflow = _document(lists)
    _tell_apart(workflow, "Asset", "task_type", "params", tasks)
    _tell_apart(workflow, "SensorParams", "sensor_kind", "sensor_params", sensors)
    _add_destinations(workflow)
    _add_checks(workflow)
    config = _document({"resources": ResourceConfig})
    _tell_apart(config, "ResourceConfig", "resource_kind", "params", resources)
    config["properties"]["executor"] = TypeAdapter[Any](Executor).json_schema()
    _hoist(config, config["properties"]["executor"])
    return {WORKFLOW: workflow, CONFIG: config}


def _document(lists: Mapping[str, type[BaseModel]]) -> Json:
    """A mapping with a list of entries under each key."""
    _, made = models_json_schema([(model, "validation") for model in lists.values()])
    definitions = made["$defs"]
    for model in lists.values():  # where it was written is nothing to write
        definitions[model.__name__]["properties"].pop("origin", None)
    definitions.pop("Origin", None)
    definitions.pop("Position", None)
    return {
        "$schema": DIALECT,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"type": "array", "items": {"$ref": f"#/$defs/{model.__name__}"}}
            for name, model in lists.items()
        },
        "$defs": definitions,
    }


def _tell_apart(
    document: Json, entry: str, kind_key: str, params_key: str, registry: Registry[Any]
) -> None:
    """In `entry`, let the kind decide what the params can be."""
    rules = []
    for name, model in _installed(registry):
        found = _with_templates(document, model)
        then: Json = {"properties": {params_key: found}}
        if found.get("required"):
            then["required"] = [params_key]
        rules.append({"if": _is(kind_key, name), "then": then})
    document["$defs"][entry]["allOf"] = rules


def _add_destinations(document: Json) -> None:
    """In the params of dlt assets, let the destination decide what its params can be."""
    rules = [
        {
            "if": _is("destination", name),
            "then": {"properties": {"destination_params": _with_templates(document, model)}},
        }
        for name, model in _installed(destinations)
    ]
    for rule in document["$defs"]["Asset"]["allOf"]:
        if rule["if"] == _is("task_type", "dlt"):
            rule["then"]["properties"]["params"]["allOf"] = rules


def _add_checks(document: Json) -> None:
    """Beside the keys of every check, let its type decide what else it has; there no templates."""
    rules = []
    for name, model in _installed(checks):
        made = model.model_json_schema()
        then = {key: made[key] for key in ("properties", "required") if key in made}
        rules.append({"if": _is("type", name), "then": then})
    document["$defs"]["Check"]["allOf"] = rules


def _is(key: str, value: str) -> Json:
    return {"properties": {key: {"const": value}}, "required": [key]}


def _installed(registry: Registry[Any]) -> Iterator[tuple[str, type[BaseModel]]]:
    """The kinds whose drivers are installed; of the others the params are not known here."""
    for name in registry.names():
        try:
            yield name, registry.find(name)
        except ConfigError:
            continue


def _with_templates(document: Json, model: type[BaseModel]) -> Json:
    """The schema of `model`, in which a template can stand wherever no text is asked for."""
    made = model.model_json_schema()
    for name, inner in made.pop("$defs", {}).items():
        document["$defs"].setdefault(name, _relaxed(inner))
    return _relaxed(made)


def _relaxed(schema: Json) -> Json:
    """`schema`; if it is an object's, a template can fill each of its properties."""
    if "properties" not in schema:
        return schema
    filled = {name: _or_template(one) for name, one in schema["properties"].items()}
    return {**schema, "properties": filled}


def _or_template(schema: Json) -> Json:
    """`schema`, or text that holds a template."""
    if schema.get("type") == "string" and "enum" not in schema and "pattern" not in schema:
        return schema
    told: Json = {key: schema[key] for key in ("title", "description", "default") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in told}
    return {**told, "anyOf": [rest, _TEMPLATE]} if rest else schema


def _hoist(document: Json, schema: Json) -> None:
    document["$defs"].update(schema.pop("$defs", {}))
