"""LitServe over ONNX Runtime with the same model; it resizes the picture and no more."""

import os
from typing import Any

import litserve
import numpy as np
import onnxruntime
from fastapi import Request
from PIL import Image


class Digits(litserve.LitAPI):
    def setup(self, device: str) -> None:  # noqa: ARG002
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
        self.name = self.session.get_inputs()[0].name

    def decode_request(self, request: Request) -> Any:
        image = Image.open(request["file"].file).convert("L").resize((28, 28))
        return np.asarray(image, np.float32).reshape(1, 28, 28, 1) / 255

    def predict(self, x: Any) -> Any:
        return self.session.run(None, {self.name: x})[0][0]

    def encode_response(self, output: Any) -> Any:
        return {"digit": int(output.argmax()), "probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Digits(), accelerator="cpu", workers_per_device=int(os.environ["WORKERS"]))
    server.run(port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
