"""Memory that a stage freed goes back to the system.

The decoders' and the networks' threads free megabytes in no order, and glibc keeps the holes in a heap for each thread,
of no use to what runs next: without this the peak of a scoring is nearer to the sum of its stages than to the largest
of them, and differs from run to run.
"""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back() -> None:
    """Return the free pages of all heaps to the system (glibc's `malloc_trim`; some ms); elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # other C libraries, as musl, have none
        trim(ctypes.c_size_t(0))


def settle() -> None:
    """Free what is garbage, and have later collections pass over whatever lives now. Takes about 200 ms.

    Call it when models have been loaded and when visitors have left: what lived at the last call is freed only by the
    next one. Models and their modules are a quarter of a million objects, and Streamlit collects after each run of the
    page: without this, no thread moves for 160 ms each time.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    give_back()
