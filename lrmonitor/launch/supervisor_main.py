"""The supervisor's program: `python -I -S supervisor_main.py FD`.

FD is its end of the line to the client. It leaves the client's family and session before anything
else, and loads lrmonitor by its place, since neither site-packages nor a checkout is on its path.
"""

from __future__ import annotations

import os
import sys


def _load_package() -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    spec = spec_from_file_location(
        "lrmonitor",
        os.path.join(folder, "__init__.py"),
        submodule_search_locations=[folder],
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"lrmonitor is not in {folder}")
    module = module_from_spec(spec)
    sys.modules["lrmonitor"] = module
    spec.loader.exec_module(module)


def _main() -> None:
    fd = int(sys.argv[1])
    os.set_inheritable(fd, False)
    if os.fork():
        os._exit(0)
    os.setsid()
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(__file__)]
    _load_package()
    from lrmonitor.launch.supervise import supervise

    supervise(fd)


if __name__ == "__main__":
    _main()
