"""Sequence design: sequences that a network scores high."""

from cisgram.design.maximize import Maximized, maximize

__all__ = ["Maximized", "maximize"]
