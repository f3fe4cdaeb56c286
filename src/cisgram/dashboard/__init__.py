"""The live application over one or many runs."""
