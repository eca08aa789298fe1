"""The classifier: training, evaluation and report, and learning from corrections."""
