"""Read handwritten digits in uploaded pictures. ARCHITECTURE.md shows the way from upload to answer."""
