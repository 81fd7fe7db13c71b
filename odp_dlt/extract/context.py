"""dlt's container of what runs, for sources that ask it for their section or give it a state."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from odp_dlt.errors import SourceError
from odp_dlt.extract import current
from odp_dlt.extract.current import Running


class ContextDefaultCannotBeCreated(SourceError, KeyError):  # noqa: N818 - dlt's name
    """Nothing runs that could be asked for."""


class ContainerInjectableContext:
    """The base of what the container holds."""


@dataclass
class ConfigSectionContext(ContainerInjectableContext):
    """Where the settings stand of what runs: ("sources", section, name)."""

    pipeline_name: str | None = None
    sections: tuple[str, ...] = ()
    merge_style: Any = field(default=None, repr=False)
    source_state_key: str | None = None

    def source_name(self) -> str:
        """The last of three sections. ValueError if these are no source's."""
        return self._part(2)

    def source_section(self) -> str:
        """The section of the module. ValueError if these are no source's."""
        return self._part(1)

    def _part(self, place: int) -> str:
        if len(self.sections) == 3 and self.sections[0] == "sources":
            return self.sections[place]
        raise ValueError(f"these are not the sections of a source: {self.sections}")


@dataclass
class StateInjectableContext(ContainerInjectableContext):
    """The pipeline's state, which code that runs changes in place."""

    state: dict[str, Any] = field(default_factory=dict)


C = TypeVar("C", bound=ContainerInjectableContext)


class Container:
    """What runs, by the class of what is asked for: the two above, and no other.

    It holds nothing itself: `injectable_context` changes what runs inside its `with`.
    """

    def __getitem__(self, spec: type[C]) -> C:
        """What runs. ContextDefaultCannotBeCreated for a state where nothing runs."""
        present = current.now()
        found: Any = None
        if spec is ConfigSectionContext:
            found = _sections(present or Running(current.settings()))
        elif spec is StateInjectableContext and present is not None and not present.made:
            found = StateInjectableContext(present.state)
        if found is None:
            raise ContextDefaultCannotBeCreated(
                f"there is no {spec.__name__} now",
                hint="Ask inside a resource, or inside Container().injectable_context(…).",
            )
        return found  # type: ignore[no-any-return]

    def __contains__(self, spec: type[ContainerInjectableContext]) -> bool:
        """Whether it can be asked for now."""
        present = current.now()
        has_state = present is not None and not present.made
        return spec is ConfigSectionContext or (spec is StateInjectableContext and has_state)

    @contextmanager
    def injectable_context(self, config: C, **_options: Any) -> Iterator[C]:
        """What runs inside the `with` has the state, or the section, of `config`."""
        present = current.now() or Running(current.settings())
        if isinstance(config, StateInjectableContext):
            changed = replace(present, state=config.state, made=False)
        elif isinstance(config, ConfigSectionContext):
            changed = _in_section(present, config)
        else:
            raise SourceError(f"a {type(config).__name__} cannot be put in the container")
        with current.running(changed):
            yield config


def _sections(present: Running) -> ConfigSectionContext:
    name = present.resource_name or present.source_name
    section = present.section or present.source_name
    sections = ("sources", section, name) if name and section else ()
    return ConfigSectionContext(
        present.pipeline_name, sections, source_state_key=present.source_name
    )


def _in_section(present: Running, config: ConfigSectionContext) -> Running:
    three = len(config.sections) == 3
    return replace(
        present,
        pipeline_name=config.pipeline_name or present.pipeline_name,
        section=config.sections[1] if three else present.section,
        source_name=config.source_state_key
        or (config.sections[2] if three else present.source_name),
    )
