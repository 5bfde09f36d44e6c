"""Keep one Valkey server up for as long as anybody holds its lock. Standard library only; run by path.

    python -I -S supervisor.py USERS_LOCK SERVER_COMMAND…

Every process that uses the server holds a shared lock on the file. The kernel frees a lock when its holder dies, by
kill -9 too; so the exclusive lock is had at the moment when the last user is gone, and then the server is ended.
A server that dies while it has users is started again. The supervisor leaves its parent at once, so that it belongs to
nobody who uses the server.
"""

import fcntl
import os
import subprocess
import sys
import threading
import time


def wait_for_users_to_leave(path: str, gone: threading.Event) -> None:
    """Set the event when nobody holds the lock any more."""
    with open(path, "a") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        gone.set()


def main(path: str, command: list[str]) -> int:
    """Run the server until its users are gone; give up when it dies five times within ten seconds."""
    gone = threading.Event()
    deaths: list[float] = []
    threading.Thread(target=wait_for_users_to_leave, args=(path, gone), daemon=True).start()
    while not gone.is_set():
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        while server.poll() is None:
            if gone.wait(0.05):
                server.terminate()
                server.wait()
                return 0
        deaths = [at for at in deaths if time.monotonic() - at < 10] + [time.monotonic()]
        if len(deaths) >= 5:
            return 1
    return 0


if __name__ == "__main__":
    if os.fork():
        os._exit(0)
    os._exit(main(sys.argv[1], sys.argv[2:]))
