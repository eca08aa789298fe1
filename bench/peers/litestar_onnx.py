"""Litestar over ONNX Runtime with the same model; it resizes the picture and no more."""

import os
from io import BytesIO
from typing import Annotated

import numpy as np
import onnxruntime
from litestar import Litestar, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from PIL import Image

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options)
name = session.get_inputs()[0].name


@post("/predict", status_code=200)
async def predict(
    data: Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict[str, object]:
    image = Image.open(BytesIO(await data["file"].read())).convert("L").resize((28, 28))
    grid = np.asarray(image, np.float32).reshape(1, 28, 28, 1) / 255
    probabilities = session.run(None, {name: grid})[0][0]
    return {"digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}


app = Litestar([predict])
