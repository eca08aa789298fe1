"""Random changes to training digits: other hands and pens, photographs, disturbances."""
