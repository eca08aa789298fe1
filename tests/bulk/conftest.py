import pytest

for package in ("pyarrow", "ray"):
    pytest.importorskip(package, reason="pip install 'digits[ray]'")
