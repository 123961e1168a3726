"""What every benchmark says: one JSON object a line, the machine, and the most memory a process had.

It needs nothing but Python, so that it runs in a peer's environment too.
"""

import json
import os
import platform
import sys
from pathlib import Path


def say(**values: object) -> None:
    """Print one JSON object on a line of its own."""
    print(json.dumps(values), flush=True)


def machine() -> str:
    """Return the processor's name and the number of its cores."""
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return platform.processor() or platform.machine()


def peak_gigabytes() -> float:
    """Return the most memory this process has had, in GB."""
    status = Path("/proc/self/status")
    if status.exists():
        # not what getrusage says: there a process begins with the peak of the one that started it
        (peak,) = (line.split()[1] for line in status.read_text(encoding="ascii").splitlines() if "VmHWM" in line)
        return round(int(peak) * 1024 / 1e9, 3)
    import resource  # noqa: PLC0415 -- Windows has none

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9, 3)
