"""Forms as browsers send them; Werkzeug's own client leaves out a line before the end of an empty file."""

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
"""Their Content-Type."""


def form(*files: bytes, field: str = "file", name: str = 'filename="7.png"') -> bytes:
    """Files in one field."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; {name}\r\nContent-Type: image/png\r\n\r\n'
    return b"".join(head.encode() + file + b"\r\n" for file in files) + f"--{BOUNDARY}--\r\n".encode()
