"""COCO's format for object detection: https://cocodataset.org/#format-data."""

import json
from collections.abc import Mapping
from typing import Any

from digits.uploads.export.archive import label_digits
from digits.uploads.models import Record

CATEGORIES = [{"id": digit, "name": str(digit), "supercategory": "digit"} for digit in range(10)]


class Coco:
    """annotations.json, with a box and a category for each digit.

    The boxes are what was found, in pixels of the upright picture. The categories are the label's digits; without a
    label they are what was read, and then each annotation has its `score`. Pictures whose label has other digits than
    were found are left out, since a picture with wrong boxes, or with none, would teach the wrong thing.
    """

    folder = "images"

    def __init__(self) -> None:
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def takes(self, record: Record) -> bool:
        """Unless it has a label that does not fit the boxes."""
        return record.label is None or label_digits(record) is not None

    def add(self, record: Record, file: str) -> None:
        """Note the picture, and its digits."""
        image = len(self._images) + 1
        self._images.append(
            {
                "id": image,
                "file_name": file.removeprefix(f"{self.folder}/"),
                "width": record.width,
                "height": record.height,
                "date_captured": f"{record.created_at:%Y-%m-%d %H:%M:%S}",
            }
        )
        said = label_digits(record)
        categories = [digit.digit for digit in record.digits] if said is None else said
        for category, digit in zip(categories, record.digits, strict=False):  # Without digits, no boxes.
            box = digit.box
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": [box.x, box.y, box.width, box.height],
                    "area": box.area,
                    "iscrowd": 0,
                    **({"score": digit.confidence} if said is None else {}),
                }
            )

    def files(self) -> Mapping[str, str]:
        """Return annotations.json."""
        said = {"images": self._images, "annotations": self._annotations, "categories": CATEGORIES}
        return {"annotations.json": json.dumps(said)}
