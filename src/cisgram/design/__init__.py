"""Sequence design."""
