"""Train the digit model and write mnist-neural.h5; see `python keras-mnist.py --help`."""

import sys

from digits.cli.run import TRAINING, run

if __name__ == "__main__":
    run(TRAINING, sys.argv[1:])
