"""Processes, with the processor time and memory of a process and its descendants."""

import contextlib
import os
import signal
import socket
import subprocess

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stat(pid):
    with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
        return file.read().rpartition(")")[2].split()


def tree(pid):
    """A process and its descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents.setdefault(int(_stat(name)[1]), []).append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                pass
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def cpu_seconds(pids):
    """User and system time, including ended threads."""
    total = 0
    for pid in pids:
        fields = _stat(pid)
        total += int(fields[11]) + int(fields[12])
    return total * TICK_SECONDS


def memory_bytes(pids):
    """Resident memory (VmRSS)."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))
    return total


def stop(process, how=signal.SIGINT, patience_seconds=5):
    """Ends a process and its descendants."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            for pid in tree(process.pid)[1:]:
                # A process may have ended in the meantime.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.kill()
            process.wait()


def end_in_order():
    """Turns SIGTERM into an exception, so that started processes are stopped; by default it ends Python at once."""

    def stop_once(number, _):
        # A second signal must not interrupt the cleanup.
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop_once)
