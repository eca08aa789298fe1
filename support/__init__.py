"""What tests and benches share: pictures that are drawn, and servers and databases that are started."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
