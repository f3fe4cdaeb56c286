"""cisgram reads the grammar of gene regulation out of neural networks.

The rooms are imported by name: ``from cisgram import seq, motifs, models, train, explain``.
"""

__version__ = "0.1.0"
