"""Words, spacing, order and syntax trees of motifs."""
