"""The finder and the segmenter: scenes to train on, training, calibration and report."""
