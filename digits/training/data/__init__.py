"""Training data: labelled digits, and pen trajectories of many writers."""
