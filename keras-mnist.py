"""Trains the digit model and writes mnist-neural.h5: `python keras-mnist.py --help`."""

import sys

from digits.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
