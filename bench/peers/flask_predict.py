"""What the tutorials do: Flask, gunicorn, and model.predict() for each request."""

from io import BytesIO

import keras
import numpy as np
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from PIL import Image

from support import ROOT

app = Flask(__name__)
model = keras.models.load_model(ROOT / "mnist-neural.h5", compile=False)


@app.post("/predict")
def predict() -> ResponseReturnValue:
    image = Image.open(BytesIO(request.files["file"].read())).convert("L").resize((28, 28))
    grid = np.asarray(image, np.float32).reshape(1, 28, 28, 1) / 255
    probabilities = model.predict(grid, verbose=0)[0]
    return jsonify(digit=int(probabilities.argmax()), probabilities=probabilities.tolist())
