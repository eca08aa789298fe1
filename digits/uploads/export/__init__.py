"""Export uploads to a zip file, in the forms that other programs read."""
