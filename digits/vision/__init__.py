"""Decode pictures, and put boxes in reading order; without networks, SQL or HTTP."""
