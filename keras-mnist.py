"""Trains the digit model and writes mnist-neural.h5: `python keras-mnist.py --help`."""

import sys

from digits.cli import TRAINING, run

if __name__ == "__main__":
    run(TRAINING, sys.argv[1:])
