"""Training of all networks, started with `python keras-mnist.py`. The server imports nothing from here."""
