"""Trains the digit model and writes mnist-neural.h5: `python keras-mnist.py --help`."""

from digits.training.command import main

if __name__ == "__main__":
    main()
