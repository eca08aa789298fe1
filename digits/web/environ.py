"""What the front and the application tell each other in the environ of a request. Other servers set none of it."""

REFUSED = "digits.refused"
"""An error to answer with, whatever was asked: the front has refused the body, or the upload could not be kept."""
QUICK = "digits.quick"
"""Is there where the request is answered between others: what may take more than milliseconds raises TakesLong."""
HELD = "digits.held"
"""A list for futures: the front holds the answer back until they are done."""
