"""Paths in YAML that mean the same whatever the working directory is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ValidationInfo

Model = TypeVar("Model", bound=BaseModel)


def _anchor(path: Path, info: ValidationInfo) -> Path:
    root = (info.context or {}).get("root")
    return path if root is None else Path(root) / path


AnchoredPath = Annotated[Path, AfterValidator(_anchor)]
"""A path as a person writes it; a relative one counts from `root` of the validation context."""


def anchored(model: type[Model], params: Mapping[str, Any], root: Path) -> Model:
    """`params` as a `model` whose `AnchoredPath` fields count from `root`.

    Raises pydantic's ValidationError; who knows the file and line turns it into a ConfigError.
    """
    return model.model_validate(dict(params), context={"root": root})
