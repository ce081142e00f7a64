"""Returns freed memory to the system between stages.

glibc keeps the holes that threads leave in its heaps, which the next stage can't use: without this, the peak of a run
is nearer to the sum of its stages than to the largest of them, and varies from run to run.
"""

from __future__ import annotations

import ctypes
import gc
import sys


def trim() -> None:
    """Return the free pages of all heaps to the system (glibc's `malloc_trim`; some ms). A no-op elsewhere."""
    if sys.platform != "linux":
        return
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:  # musl, for one, has none
        malloc_trim(ctypes.c_size_t(0))


def settle() -> None:
    """Free all garbage, then exempt the objects that remain from garbage collection. Takes about 200 ms.

    Call it when models have been loaded and when visitors have left: what is alive at one call is freed by the next one
    at the earliest. Models and their modules are a quarter of a million objects, and Streamlit collects after each run
    of a page, which without this stops all threads for 160 ms.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    trim()
