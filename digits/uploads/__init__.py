"""Uploads: read them, and keep, find, delete, export and copy their pictures and records."""
