"""The user's own modules, loaded by their path under one project folder.

They become submodules of a package that is named after the folder, so that two projects in one
process do not see each other's modules and `sys.path` stays as it is. Their own `import` statement
finds the project's files first, and finds `odp_dlt.dlt` under the name `dlt`.
"""

import builtins
import hashlib
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.util import module_from_spec, resolve_name, spec_from_file_location
from pathlib import Path
from types import ModuleType

_DLT = "odp_dlt"  # `import dlt.x` in a project means odp_dlt.dlt.x


def user_code(folder: Path) -> "UserCode":
    """The package of all modules under `folder`; the same one for the life of the process."""
    folder = folder.resolve()
    digest = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    name = f"odp_project_{digest}"
    found = sys.modules.setdefault(name, UserCode(name, folder))
    assert isinstance(found, UserCode)
    return found


class UserCode(ModuleType):
    """One project folder as a package, with the `import` statement that its modules use."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.__path__ = [str(folder)]
        self._folder = folder
        self._lock = threading.RLock()
        self._builtins = {**vars(builtins), "__import__": self._import}

    def load(self, name: str) -> ModuleType:
        """The module `name`, dotted from the folder; executed once. Raises what its code raises."""
        self._ensure(name)
        return sys.modules[f"{self.__name__}.{name}"]

    @property
    def builtins(self) -> Mapping[str, object]:
        """The builtins of modules of this folder, for code that is run without being one."""
        return self._builtins

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the names of `__import__`
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        wanted = fromlist or ()
        if level:
            package = str((globals or {}).get("__package__"))
            full = resolve_name("." * level + name, package)
            if full.startswith(f"{self.__name__}."):
                self._ensure(full.removeprefix(f"{self.__name__}."), wanted)
        elif name.partition(".")[0] == "dlt":
            return _renamed(_DLT, name, wanted)
        elif self._is_own(name, wanted):
            self._ensure(name, wanted)
            return _renamed(self.__name__, name, wanted)
        return builtins.__import__(name, globals, locals, wanted, level)

    def _is_own(self, name: str, wanted: Sequence[str]) -> bool:
        """Whether the project has the module; a bare folder only if what is wanted of it is a file.

        So `from github import Github` still finds the installed package beside a folder `github`.
        """
        if self._file(name) is not None:
            return True
        return self._path(name).is_dir() and any(self._file(f"{name}.{item}") for item in wanted)

    def _ensure(self, name: str, wanted: Sequence[str] = ()) -> None:
        """Execute `name`, the packages around it, and the submodules that are `wanted` of it."""
        with self._lock:
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                self._execute(".".join(parts[:end]))
            for item in wanted:
                if self._file(f"{name}.{item}") is not None:
                    self._execute(f"{name}.{item}")

    def _execute(self, name: str) -> None:
        full = f"{self.__name__}.{name}"
        if full in sys.modules:
            return
        module = self._module(name, full)
        sys.modules[full] = module
        try:
            if module.__spec__ is not None and module.__spec__.loader is not None:
                module.__spec__.loader.exec_module(module)
        except BaseException:
            del sys.modules[full]
            raise
        parent, _, leaf = full.rpartition(".")
        setattr(sys.modules[parent], leaf, module)

    def _module(self, name: str, full: str) -> ModuleType:
        """The module, not yet executed; a folder without `__init__.py` is one without code."""
        file, folder = self._file(name), self._path(name)
        if file is None:
            if not folder.is_dir():
                raise ModuleNotFoundError(f"no module '{name}' in {self._folder}", name=full)
            module = ModuleType(full)
            module.__path__ = [str(folder)]
            return module
        inside = [str(folder)] if file.name == "__init__.py" else None
        spec = spec_from_file_location(full, file, submodule_search_locations=inside)
        assert spec is not None
        module = module_from_spec(spec)
        vars(module)["__builtins__"] = self._builtins
        return module

    def _path(self, name: str) -> Path:
        return self._folder.joinpath(*name.split("."))

    def _file(self, name: str) -> Path | None:
        path = self._path(name)
        files = (path / "__init__.py", path.with_name(f"{path.name}.py"))
        return next((file for file in files if file.is_file()), None)


def _renamed(package: str, name: str, wanted: Sequence[str]) -> ModuleType:
    """What `import name` binds, when `name` stands for `package.name`."""
    leaf = builtins.__import__(f"{package}.{name}", fromlist=tuple(wanted) or ("__name__",))
    return leaf if wanted else sys.modules[f"{package}.{name.partition('.')[0]}"]
