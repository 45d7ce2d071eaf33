"""The argument parser of all verbs: errors are one sentence of lrmonitor's."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, NoReturn

from lrmonitor.cli import codes

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction["Parser"]


class Parser(argparse.ArgumentParser):
    """Reports errors as `lrmonitor: …` with exit code 2, and takes "-1e-3" for a number.

    With `cut`, what follows the first `--` is not parsed but kept in `after_dashes` (None without
    one): argparse itself would take options before it for words when an argument stands first.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        # argparse takes only plain decimals for numbers, and "-1e-3" or "-inf" for options: they
        # should reach the rate's own check, which says what is wrong with them.
        self.cut = False
        self.after_dashes: list[str] | None = None
        self._negative_number_matcher = re.compile(r"^-(\.?\d|inf|nan)", re.IGNORECASE)

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As argparse, but for what `cut` says."""
        if self.cut and args is not None and "--" in args:
            at = list(args).index("--")
            args, self.after_dashes = args[:at], list(args[at + 1 :])
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to look; exit code 2."""
        print(f"lrmonitor: {message}: see `{self.prog} --help`", file=sys.stderr)
        sys.exit(codes.USAGE)
