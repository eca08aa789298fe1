"""The verifier: examples of digits and of everything else, and training."""
