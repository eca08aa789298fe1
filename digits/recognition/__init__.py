"""From a grey picture to the number in it, and an explanation of the answer."""
