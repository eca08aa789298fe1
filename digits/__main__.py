"""`python -m digits`: the command `digits`, where it is not installed."""

from digits.cli import main

main(prog_name="python -m digits")
