"""Carries the probe into a launched script: this folder stands first on its PYTHONPATH.

Python's `site` imports this file before the script begins. It takes its own folder off `sys.path`,
runs the `sitecustomize` that it shadows, and leaves one finder on `sys.meta_path` which waits for
the import of torch (to put the probe in) or of lrmonitor (which the script's environment need not
have). Any Python of the user's may run this, so it parses in Python 2.7, and does nothing more than
that chain before Python 3.10 or without LRMONITOR_RUN. Nothing of it may ever harm the script.
"""

import os
import sys

MYPY = False  # true for the type checker, which alone reads the comments below
if MYPY:
    from types import ModuleType  # noqa: F401
    from typing import Any  # noqa: F401


class _Finder(object):
    """A meta path finder for `torch` and `lrmonitor`; takes itself away when torch is watched."""

    def __init__(self, package):
        # type: (str) -> None
        self._package = package
        self._looking = False

    def find_spec(self, fullname, path=None, target=None):
        # type: (str, Any, Any) -> Any
        if fullname == "torch" and not self._looking:
            return self._torch(path, target)
        if fullname == "lrmonitor":
            return self._lrmonitor()
        return None

    def _torch(self, path, target):
        # type: (Any, Any) -> Any
        """The spec that the other finders give, its loader made to call us once it is done."""
        self._looking = True  # another finder may ask the whole meta path, as we do
        try:
            for finder in list(sys.meta_path):
                find_spec = getattr(finder, "find_spec", None)
                if finder is self or find_spec is None:
                    continue
                spec = find_spec("torch", path, target)
                if spec is not None:
                    self._wrap(spec.loader)
                    return spec
        finally:
            self._looking = False
        return None

    def _wrap(self, loader):
        # type: (Any) -> None
        original = getattr(loader, "exec_module", None)
        if original is None:  # a folder without code that happens to be called torch
            return

        def exec_module(module):
            # type: (ModuleType) -> None
            try:
                del loader.exec_module
                original(module)
            except BaseException as error:
                # The traceback shall look as it does without us. From Python 3.11 on a bare
                # `raise` adds no entry, so what is taken off here stays off.
                if error.__traceback__ is not None:
                    error.__traceback__ = error.__traceback__.tb_next
                raise
            self._torch_is_imported()

        if sys.version_info < (3, 11):
            # By these names Python knows the frames of its own import system and leaves them out.
            exec_module.__code__ = exec_module.__code__.replace(
                co_filename="<frozen importlib._bootstrap>", co_name="_call_with_frames_removed"
            )
        try:
            loader.exec_module = exec_module
        except AttributeError:
            return  # a loader with slots; the run says in the end that nothing registered

    def _torch_is_imported(self):
        # type: () -> None
        try:
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            if "lrmonitor" not in sys.modules:
                import importlib.util

                spec = self._lrmonitor()
                module = importlib.util.module_from_spec(spec)
                sys.modules["lrmonitor"] = module
                try:
                    spec.loader.exec_module(module)
                except BaseException:
                    del sys.modules["lrmonitor"]
                    raise
            from lrmonitor.probe.install import install_after_torch_import

            install_after_torch_import()
        except Exception:
            _write_down()

    def _lrmonitor(self):
        # type: () -> Any
        """lrmonitor by its place, so that nothing else beside it becomes importable."""
        from importlib.util import spec_from_file_location

        return spec_from_file_location(
            "lrmonitor",
            os.path.join(self._package, "__init__.py"),
            submodule_search_locations=[self._package],
        )


def _write_down():
    # type: () -> None
    """Leave the traceback of our own failure in the run folder, for the supervisor to mention."""
    try:
        import traceback

        name = "probe-failed-%d.txt" % os.getpid()
        with open(os.path.join(os.environ["LRMONITOR_RUN"], name), "a") as file:
            traceback.print_exc(file=file)
    except Exception:
        pass


def _settle():
    # type: () -> None
    """Leave `sys.path` as the plain command has it, and the finder where it is of use."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)
    if sys.version_info >= (3, 10) and os.environ.get("LRMONITOR_RUN"):
        sys.meta_path.insert(0, _Finder(os.path.dirname(os.path.dirname(here))))


_settle()
_ours = sys.modules.pop("sitecustomize")  # a reference, or Python 2 would clear our names
# The shadowed one takes our place. If there is none, the ImportError is the very one that `site`
# expects in that case; if it fails, `site` reports it as it always does.
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
