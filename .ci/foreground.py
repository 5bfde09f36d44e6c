#!/usr/bin/env python3
"""Run a command as the only one in the terminal's foreground; end with its exit code.

Ctrl-C goes to everything in the foreground, and `make` would call it a failure though the command has ended well. So
the command gets the terminal for itself, and gives it back. Without a terminal it is only run.
"""

import os
import signal
import subprocess
import sys

TERMINAL = 0


def in_foreground() -> bool:
    """Tell whether this process group is the one that the terminal listens to."""
    try:
        return os.tcgetpgrp(TERMINAL) == os.getpgrp()
    except OSError:
        return False


def give_terminal(group: int) -> None:
    """Put a process group into the foreground, from the background too, where SIGTTOU would stop the caller."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    os.tcsetpgrp(TERMINAL, group)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def leave_group() -> None:
    """Make a group of this process and put it into the foreground."""
    os.setpgid(0, 0)
    give_terminal(os.getpid())


def wait(child: int) -> int:
    """Wait for the end of a process and give its exit code. Ctrl-Z stops it, us and `make`; `fg` wakes all of them."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        give_terminal(os.getpgrp())
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(0, signal.SIGSTOP)
        give_terminal(child)
        os.killpg(child, signal.SIGCONT)


def main(command: list[str]) -> int:
    """Run the command; SIGTERM is handed on to it."""
    if not in_foreground():
        os.execvp(command[0], command)
    child = subprocess.Popen(command, preexec_fn=leave_group).pid
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    code = wait(child)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
