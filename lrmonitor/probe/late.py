"""Noticing that modules have been imported, once they are."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Then = Callable[[], None]


def after_import(name: str, then: Then) -> None:
    """Call `then` once the module is imported: now, if it is already. What it raises is lost, as it
    is ours and not the script's."""
    after_imports({name: then})


def after_imports(wanted: Mapping[str, Then]) -> None:
    """The same for several modules, each with its own call, by one finder: each finder is asked at
    every import there is."""
    missing = {}
    for name, then in wanted.items():
        if name in sys.modules:
            with contextlib.suppress(Exception):
                then()
        else:
            missing[name] = then
    if missing:
        sys.meta_path.insert(0, _Finder(missing))


class _Finder(MetaPathFinder):
    """Finds the modules as the others do."""

    def __init__(self, wanted: dict[str, Then]) -> None:
        self._wanted = wanted
        self._looking: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the other finders, its loader made to call us once it is done."""
        if fullname not in self._wanted or fullname in self._looking:
            return None
        self._looking.add(fullname)  # another finder may ask the whole meta path, as we do
        try:
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)  # old finders have none
                if finder is self or find is None:
                    continue
                spec: ModuleSpec | None = find(fullname, path, target)
                if spec is not None:
                    self._wrap(fullname, spec.loader)
                    return spec
        finally:
            self._looking.discard(fullname)
        return None

    def _wrap(self, name: str, loader: object) -> None:
        original = getattr(loader, "exec_module", None)
        if original is None:
            return

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module  # type: ignore[attr-defined]
            try:
                original(module)
            except BaseException as error:
                # The traceback looks as it does without us.
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                raise
            self._imported(name)

        with contextlib.suppress(AttributeError):  # a loader with slots
            loader.exec_module = exec_module  # type: ignore[attr-defined]

    def _imported(self, name: str) -> None:
        then = self._wanted.pop(name, None)
        if not self._wanted and self in sys.meta_path:
            sys.meta_path.remove(self)
        if then is not None:
            with contextlib.suppress(Exception):
                then()
