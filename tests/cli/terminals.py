"""The command in a terminal of its own."""

import os
import pty
import subprocess
import sys
import termios


def written(*args, columns=80):
    """Run the command in a terminal; return all that it has written to it."""
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (24, columns))
    command = [sys.executable, "-m", "skresnet", *map(str, args)]
    process = subprocess.Popen(
        command, stdout=end, stderr=end, env={**os.environ, "COLUMNS": str(columns)}
    )
    os.close(end)
    output = b""
    try:
        while part := os.read(terminal, 65536):
            output += part
    except OSError:  # how a terminal ends on Linux
        pass
    os.close(terminal)
    process.wait(timeout=300)
    return output.decode()


def shown(*args, columns=80):
    """Run the command in a terminal; return the lines that stay there."""
    lines = written(*args, columns=columns).removesuffix("\r\n").split("\r\n")
    return [line.rpartition("\r")[2] for line in lines]  # drawn over in place
