"""Which files of a folder, of a bucket or of a zip file are taken for pictures: it is told by their names."""

from pathlib import PurePosixPath

SUFFIXES = (".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Endings of pictures."""
NO_PICTURES = f"has no pictures in it, that is, no files that end in {', '.join(SUFFIXES)}, or have no ending."
"""What is wrong with a folder, after its name."""


def is_picture(name: str) -> bool:
    """Whether a file with this name, or at this path, is taken for a picture. Hidden ones are not asked about."""
    # Objects in S3 often have no ending.
    return PurePosixPath(name).suffix.lower() in ("", *SUFFIXES)
