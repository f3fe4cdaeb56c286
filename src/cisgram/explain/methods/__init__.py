"""One file per explanation method."""
