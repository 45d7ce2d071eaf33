"""Where the files are that travel with lrmonitor: icons, the demo and its data.

In an installed package they are in `lrmonitor/_resources`; in a checkout (and an editable install)
they are in the folder `resources` beside the package. Standard library only.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resources_folder() -> Path:
    """Return the folder of all resources.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    for folder in (_PACKAGE / "_resources", _PACKAGE.parent / "resources"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(
        f"lrmonitor's own files are missing beside {_PACKAGE}: please install lrmonitor again"
    )


def resource_path(*parts: str) -> Path:
    """Return the absolute path of a resource, such as `resource_path("examples", "digits.py")`.

    Raises:
        FileNotFoundError: there is no such file or folder among the resources.
    """
    path = resources_folder().joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(
            f"{'/'.join(parts)} is not among lrmonitor's files in {resources_folder()}: "
            "please install lrmonitor again"
        )
    return path
