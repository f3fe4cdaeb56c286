"""Models of sequence: the zoo, prediction, checkpoints, import of your own."""
