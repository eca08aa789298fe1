"""Pictures of the kinds that people upload, drawn: hands and pens, papers and screens, and what is no digit."""
