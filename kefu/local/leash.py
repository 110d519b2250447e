"""Becomes another program that dies with its parent: ``python leash.py PARENT_PID PROGRAM [ARGUMENT…]``.

Run as a script by ``kefu.local.children``, with the standard library only and without the site module, which
makes it quick. On Linux the kernel kills the program (SIGKILL) as soon as the parent is gone, however that
came about; elsewhere the program simply runs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Tie this process to the parent named first, then become the program that follows; never returns.

    Exits with status 1 when the parent is gone already, 127 when the program cannot be executed.
    """
    parent, *command = arguments
    if sys.platform == "linux":
        # Survives exec, except into set-user-id programs, of which the local stack has none.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):  # it died before the kernel was told
            sys.exit(1)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted between the parent and the program
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error}\n")
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
