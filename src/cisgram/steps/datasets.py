"""The table of data sets that cisgram knows how to read or make."""

from collections.abc import Callable
from typing import Any

from cisgram.core.registry import Registry

DATASETS: Registry[Callable[..., Any]] = Registry("data set")
