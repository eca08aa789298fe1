"""From MNIST to mnist-neural.h5. Runs as `python keras-mnist.py`; nothing that serves imports it."""
