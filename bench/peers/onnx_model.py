"""`python -m bench.peers.onnx_model FILE.onnx` writes the shipped model as ONNX."""

import sys

import keras
import numpy as np

from support import ROOT

if __name__ == "__main__":
    model = keras.models.load_model(ROOT / "mnist-neural.h5", compile=False)
    model(np.zeros((1, 28, 28, 1), np.float32))  # Keras exports only what was called.
    model.export(sys.argv[1], format="onnx", verbose=False)
