"""What dlt has and this facade does not: told when it is imported, by name."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_FACADE = "odp_dlt.dlt."
LOOK = "docs/dlt-compatibility.md lists what is offered, and what to use instead"


class Absent:
    """The last finder on the path: whatever of the facade nobody found is not offered.

    ImportError rather than ModuleNotFoundError: `from dlt.x import y` swallows the latter and then
    says no more than that the name cannot be imported.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for names that are not the facade's; ImportError for its own."""
        if name.startswith(_FACADE) and not name.rpartition(".")[2].startswith("_"):
            raise ImportError(f"{as_dlt(name)} is not offered by odp_dlt: {LOOK}", name=name)
        return None


def as_dlt(name: str) -> str:
    """The name as a source spells it."""
    return "dlt." + name.removeprefix(_FACADE)


def tell() -> None:
    """Put the finder at the end of the path, once."""
    if not any(isinstance(finder, Absent) for finder in sys.meta_path):
        sys.meta_path.append(Absent())
