"""Pictures with digits in them as people take and draw them, synthesised: what the finder learns from."""
