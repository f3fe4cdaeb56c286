"""The engine of DeepLIFT: multipliers of every operation, from the output back to the letters."""
