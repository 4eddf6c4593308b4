"""What every table says of the machine it was made on."""

import os
import platform
from importlib import metadata
from pathlib import Path


def machine() -> dict[str, str | int | None]:
    """Processor, cores, the vector instructions that matter, and versions; None where unknown."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    fields = {
        k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())
    }
    flags = fields.get("flags", "").split()
    widest = next((f for f in ("avx512_bf16", "avx512f", "avx2") if f in flags), "no AVX2")
    return {
        "processor": f"{fields.get('model name', platform.machine())} "
        f"family {fields.get('cpu family', '?')} model {fields.get('model', '?')}",
        "cores": os.cpu_count(),
        "instructions": widest if flags else None,
        "python": platform.python_version(),
        "torch": version("torch"),
        "onnxruntime": version("onnxruntime"),
        "numpy": version("numpy"),
    }


def version(package: str) -> str | None:
    """The version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def machine_line() -> str:
    """Processor, cores, the vector instructions that matter, Python and torch."""
    told = machine()
    return (
        f"{told['processor']}, {told['cores']} cores, {told['instructions']}; "
        f"Python {told['python']}, torch {told['torch']}"
    )
