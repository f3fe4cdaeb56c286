"""A setting of glibc's allocator that networks on a CPU need."""

import ctypes
import ctypes.util
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h


def keep_large_blocks() -> None:
    """Reuse large blocks of memory instead of mapping and faulting them anew each time.

    glibc maps every block above 32 MiB at each allocation, which slows convolutions with large
    outputs two to five times (figures in ``docs/performance.md``). Only the command line does
    this, never an import of the library; on other C libraries it does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        libc = ctypes.CDLL("libc.so.6")
        mallopt = libc.mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
