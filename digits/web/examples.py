"""Answers as this server gave them, for /openapi.json: to digit.png of this repository, and to requests gone wrong."""

from typing import Any

from digits.recognition.pipeline import NO_DIGIT
from digits.vision.decode import ACCEPTED, MEDIA_TYPES
from digits.web.problems import KINDS

_ID = "01a1fd2f-7e44-70a9-99b3-c7ad03815d21"
_URL = f"/uploads/{_ID}"

RECOGNITION: dict[str, Any] = {
    "number": "7",
    "text": "7",
    "digit": 7,
    "confidence": 0.997941,
    "recognised": True,
    "digits": [
        {
            "digit": 7,
            "confidence": 0.997941,
            "probabilities": [
                0.000006,
                0.000008,
                0.000023,
                0.00001,
                0.000004,
                0.000006,
                0.000009,
                0.999913,
                0.000006,
                0.000016,
            ],
            "box": {"x": 80, "y": 65, "width": 162, "height": 205},
        }
    ],
    "image": {
        "width": 320,
        "height": 320,
        "format": "PNG",
        "bytes": 44569,
        "sha256": "37843afa6b478b2dec5303139d441ce2396a043bfd6a6a2420b1f67958612d23",
    },
    "model": "mnist-neural@38c1cb05",
    "networks": {"finder": "0fa1be24", "segmenter": "c2491046", "verifier": "b08c9f48", "calibration": "3544a8d7"},
}
UPLOAD = (
    {"id": _ID}
    | RECOGNITION
    | {
        "created_at": "2026-11-21T08:18:30.596Z",
        "label": None,
        "labelled_at": None,
        "links": {
            "self": _URL,
            "image": f"{_URL}/image",
            "preview": f"{_URL}/preview.png",
            "explanation": f"{_URL}/explanation.png",
        },
    }
)
LABELLED = UPLOAD | {"label": "7", "labelled_at": "2026-11-21T08:20:03.114Z"}
UPLOADS = {"uploads": [UPLOAD], "next": f"/uploads?limit=1&cursor={_ID}"}
MODEL = {
    "model": RECOGNITION["model"],
    "networks": RECOGNITION["networks"],
    "training": {"recipe": "cnn", "data": "MNIST", "digits": 10000, "accuracy": 0.9976},
    "measured": {"scenes": 1200, "numbers": 785, "exact": 447, "average_precision": 0.7826},
    "threshold": 0.5,
    "calibration": {"candidate_threshold": 0.148, "sign_threshold": 0.5},
    "limits": {
        "bytes": 10485760,
        "pixels": 25000000,
        "files": 20,
        "media_types": list(MEDIA_TYPES),
    },
}
READY = {"status": "ready", "model": RECOGNITION["model"], "networks": RECOGNITION["networks"]}
_DETAILS = {
    "bad-request": "There is no parameter `stor`. Did you mean `store`?",
    "key-needed": "This server needs an API key. Send it as `Authorization: Bearer KEY` or as `X-API-Key: KEY`.",
    "forbidden": "The history is not shown under the name digits.example. Use the machine's address, or name your "
    "page's origin in DIGITS_CORS_ORIGINS.",
    "not-found": "There is no upload with this id.",
    "too-slow": "The request's body stopped for 10 s, or took over 60 s. Send it again over a better connection, or "
    "make it smaller.",
    "too-many-pixels": "The picture has 6000 x 5000 pixels; at most 25,000,000 are accepted. Make it smaller.",
    "not-a-picture": f"This file is not a picture that can be read. Send {ACCEPTED}.",
    "no-ink": NO_DIGIT,
    "rate-exceeded": "These are too many requests. Send it again in 20 seconds.",
    "unavailable": "The database does not answer. Recognise with ?store=false, or try again later.",
    "storage-full": "There is no room to keep the record. Recognise with ?store=false, or try again later.",
}
PROBLEMS: dict[int, dict[str, Any]] = {
    kind.status: {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": _DETAILS[kind.slug],
        "request_id": "01a21fa2378e73adbd47d479600b1366",
    }
    for kind in KINDS.values()
    if kind.slug in _DETAILS
}
"""One for each status."""
RESULTS = {"uploads": [{"status": 201} | UPLOAD, PROBLEMS[415]]}
