"""Trained networks for pictures of any size to LiteRT, run as `python -m digits.training.export FILE.keras OUT.tflite`.

It is a process of its own, since LiteRT is exported from TensorFlow, whatever trained the network.
"""

import sys
from pathlib import Path
from typing import Any

from digits.inference.convert import export

EXPORTED_SIDE = 96
"""Pixels of the picture that a network for any size is exported for; LiteRT is told others later."""


def for_any_size(network: Any) -> bytes:
    """The flatbuffer, with weights of 8 bits.

    What it gives for another size must follow from the picture alone: Keras' UpSampling2D would be exported with
    the size of its result, so that here each pixel is laid out four times by its channels.
    """
    import keras
    import tensorflow as tf

    class Doubled(keras.layers.Layer):
        def call(self, pixels: Any) -> Any:
            return tf.nn.depth_to_space(tf.concat([pixels] * 4, axis=-1), 2)

    def doubled(layer: Any) -> Any:
        return (
            Doubled()
            if isinstance(layer, keras.layers.UpSampling2D)
            else layer.__class__.from_config(layer.get_config())
        )

    shape = [side or EXPORTED_SIDE for side in network.input_shape[1:]]
    copy = keras.models.clone_model(network, keras.Input(shape, batch_size=1), clone_function=doubled)
    copy.set_weights(network.get_weights())
    return export(copy, int8=True)


def main() -> None:
    import keras

    source, out = map(Path, sys.argv[1:])
    out.write_bytes(for_any_size(keras.models.load_model(source, compile=False)))


if __name__ == "__main__":
    main()
