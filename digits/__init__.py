"""Read handwritten digits in uploaded pictures. ARCHITECTURE.md shows the way from upload to answer."""

__version__ = "0.1.0"
