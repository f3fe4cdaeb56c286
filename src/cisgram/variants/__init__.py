"""Effects of sequence variants."""
