"""Reads handwritten digits from uploaded pictures. The flow is told in recognition.py."""
