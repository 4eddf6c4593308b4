"""What every table says of the machine it was made on."""

import os
import platform
from importlib import metadata
from pathlib import Path


def machine_line() -> str:
    """Processor, cores, the vector instructions that matter, Python and torch."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    fields = {
        k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())
    }
    flags = fields.get("flags", "").split()
    widest = next((f for f in ("avx512_bf16", "avx512f", "avx2") if f in flags), "no AVX2")
    return (
        f"{fields.get('model name', platform.machine())} family {fields.get('cpu family', '?')} "
        f"model {fields.get('model', '?')}, {os.cpu_count()} cores, {widest}; "
        f"Python {platform.python_version()}, torch {metadata.version('torch')}"
    )
