"""Export a network for pictures of any size to LiteRT: `python -m digits.training.export FILE.keras OUT.tflite`.

It runs in a process of its own, because Keras exports to LiteRT from its TensorFlow backend alone, and the network may
have been trained with another backend.
"""

import sys
from pathlib import Path
from typing import Any

from digits.inference.convert import export

EXPORTED_SIDE = 96
"""Side in pixels that a network for any size is exported with; LiteRT resizes the input later."""


def for_any_size(network: Any) -> bytes:
    """Return the LiteRT flatbuffer, with 8-bit weights.

    Keras' UpSampling2D would be exported with a fixed output size. It is replaced here by a layer whose output size
    follows from its input: it repeats each pixel four times in the channels, then spreads these over 2x2 pixels.
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
    """Read the .keras file, and write the .tflite file."""
    import keras

    source, out = map(Path, sys.argv[1:])
    out.write_bytes(for_any_size(keras.models.load_model(source, compile=False)))


if __name__ == "__main__":
    main()
