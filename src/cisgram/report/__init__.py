"""From a run to one self-contained page."""
