"""Robyn over ONNX Runtime with the same model; it resizes the picture and no more."""

import os
from io import BytesIO

import numpy as np
import onnxruntime
from PIL import Image
from robyn import Request, Robyn

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
name = session.get_inputs()[0].name

app = Robyn(__file__)


@app.post("/predict")
async def predict(request: Request) -> dict[str, object]:
    (content,) = request.files.values()
    image = Image.open(BytesIO(content)).convert("L").resize((28, 28))
    grid = np.asarray(image, np.float32).reshape(1, 28, 28, 1) / 255
    probabilities = session.run(None, {name: grid})[0][0]
    return {"digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}


if __name__ == "__main__":
    app.start(host="127.0.0.1", port=int(os.environ["PORT"]))
