"""NeuronMotif."""
