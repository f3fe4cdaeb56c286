"""Ground floor: types, errors, checks, registry, results, config, seeds, the run folder.

Imports nothing of ours. Nothing here imports torch at import time, so that the commands
that need no network (``tomtom``, ``scan``, ``list``) start at once.
"""
