"""Label Studio's JSON: https://labelstud.io/guide/predictions and https://labelstud.io/guide/task_format."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from digits.uploads.export.archive import label_digits
from digits.uploads.models import Record

_CONFIG = """<View>
  <Image name="image" value="$image"/>
  <RectangleLabels name="digit" toName="image">
{labels}
  </RectangleLabels>
  <TextArea name="number" toName="image" rows="1" maxSubmissions="1" editable="true"/>
</View>
""".format(labels="\n".join(f'    <Label value="{digit}" hotkey="{digit}"/>' for digit in range(10)))
"""The labelling interface that goes with the tasks."""


class LabelStudio:
    """tasks.json, to import, and config.xml, the labelling interface that goes with it.

    What was read is a task's prediction: its boxes, in per cent of the upright picture, and its number. What a person
    said is its annotation: the number, and the boxes with its digits if there are as many. The pictures are named as
    Label Studio serves local files: the zip is unpacked to a folder of its name below
    LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT.
    """

    folder = "images"

    def __init__(self, unpacked: str) -> None:
        """`unpacked` is the name of the folder that the zip is unpacked to."""
        self._unpacked = unpacked
        self._tasks: list[dict[str, Any]] = []

    def takes(self, _: Record) -> bool:
        """Every picture."""
        return True

    def add(self, record: Record, file: str) -> None:
        """Add a task."""
        read = [digit.digit for digit in record.digits]
        scores = [digit.confidence for digit in record.digits]
        task: dict[str, Any] = {
            "data": {"image": f"/data/local-files/?d={quote(f'{self._unpacked}/{file}')}", "upload": record.id},
            "predictions": [
                {
                    "model_version": record.model,
                    "score": record.confidence,
                    "result": [*_boxes(record, read, scores), *_number(record.number)],
                }
            ],
        }
        if record.label is not None:
            boxes = _boxes(record, label_digits(record) or [])
            task["annotations"] = [{"result": [*boxes, *_number(record.label)]}]
        self._tasks.append(task)

    def files(self) -> Mapping[str, str]:
        """Return the tasks and the interface."""
        return {"tasks.json": json.dumps(self._tasks), "config.xml": _CONFIG}


def _boxes(record: Record, digits: Sequence[int], scores: Sequence[float] = ()) -> list[dict[str, Any]]:
    """The regions of so many digits, each with its score if there are any."""
    across, down = 100 / record.width, 100 / record.height
    regions = []
    for place, (digit, found) in enumerate(zip(digits, record.digits, strict=False)):  # Without digits, no boxes.
        box = found.box
        score = {"score": scores[place]} if scores else {}
        regions.append(
            {
                "id": f"digit-{place + 1}",
                "type": "rectanglelabels",
                "from_name": "digit",
                "to_name": "image",
                "original_width": record.width,
                "original_height": record.height,
                "image_rotation": 0,
                "value": {
                    "x": box.x * across,
                    "y": box.y * down,
                    "width": box.width * across,
                    "height": box.height * down,
                    "rotation": 0,
                    "rectanglelabels": [str(digit)],
                },
                **score,
            }
        )
    return regions


def _number(text: str) -> list[dict[str, Any]]:
    """The text field with this number; none for an empty one."""
    if not text:
        return []
    value = {"text": [text]}
    return [{"id": "number", "type": "textarea", "from_name": "number", "to_name": "image", "value": value}]
