"""The live application over one or many runs."""

from cisgram.dashboard.app import create_app
from cisgram.dashboard.start import Dashboard, start

__all__ = ["Dashboard", "create_app", "start"]
