"""Optional dependencies, asked for by the name of the extra that brings them."""

import importlib
from types import ModuleType

from cisgram.core.errors import MissingExtra


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module, or say how to install it.

    Raises
    ------
    MissingExtra
        When it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        msg = f"This needs {module}, which is not installed: pip install 'cisgram[{extra}]'."
        raise MissingExtra(msg) from error
