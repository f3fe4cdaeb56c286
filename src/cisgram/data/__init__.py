"""Regions, splits, negatives, datasets, augmentation and the leak guard."""
