"""A diagnosis as a process of its own, for a window: `python -m lrmonitor.diagnosis.serve`.

Work comes on the standard input and is answered on the standard output (see `wire`). It knows no
run and no file, and ends with its input: when the window closes it, or is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import BinaryIO

from lrmonitor.diagnosis.chunk import Chunk
from lrmonitor.diagnosis.engine import Diagnosis
from lrmonitor.diagnosis.wire import answer, unpack

NICE = 5
"""It gives way to a training and a window, and yet gets on beside one that takes all cores."""


def serve(work: BinaryIO, told: BinaryIO) -> None:
    """Answer until the work ends, or nobody takes the answers."""
    diagnosis = Diagnosis()
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            one = unpack(work)
            if isinstance(one, Chunk):
                found = diagnosis.feed(one)
            else:
                found = diagnosis.finish() if one is None else diagnosis.tick(one)
            told.write(answer(found))
            told.flush()


def main() -> None:
    """Serve the process that started this one."""
    # Ctrl-C in a terminal is for the window, whose end is the end of this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICE)
    serve(sys.stdin.buffer, sys.stdout.buffer)
    # What nobody takes any more is not to be written once more on the way out.
    os._exit(0)


if __name__ == "__main__":
    main()
