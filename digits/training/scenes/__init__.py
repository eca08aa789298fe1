"""Synthetic pictures with handwritten digits, as people photograph, scan or draw them, to train and calibrate on."""
