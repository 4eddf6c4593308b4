"""ONNX Runtime, the only place that imports it: it must send nothing, and write nothing below HOME.

Version 1.32 gives the machine a number, keeps a database below HOME, and asks for its vendor's
collector whenever a graph is loaded, unless `ORT_DISABLE_TELEMETRY` is set before it is imported.
`likewise` sets that when it is imported itself; who wants it otherwise sets it to 0.
"""

import os
import warnings

import onnxruntime

from likewise.io.warned import LikewiseWarning

_VARIABLE = "ORT_DISABLE_TELEMETRY"

__all__ = ["onnxruntime"]

# Not set only where ONNX Runtime had been imported before `likewise` was.
if _VARIABLE not in os.environ and hasattr(onnxruntime, "disable_telemetry_events"):
    os.environ[_VARIABLE] = "1"  # for processes that this one starts
    onnxruntime.disable_telemetry_events()
    warnings.warn(
        "onnxruntime was imported before likewise, and may have told its vendor of this machine. "
        f"Its telemetry is switched off from here on; import likewise first, or set {_VARIABLE}=1.",
        LikewiseWarning,
        stacklevel=2,
    )
