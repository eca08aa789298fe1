"""What reads the pictures, and what it accepts: a page can ask before it sends a photo."""

from collections.abc import Mapping, Sequence

from flask import Blueprint
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from digits.vision.decode import MEDIA_TYPES
from digits.web.incoming import MAX_FILES
from digits.web.schemas import respond
from digits.web.scopes import recognises
from digits.web.services import services

bp = Blueprint("model", __name__)


class TrainingAnswer(BaseModel, from_attributes=True):
    """How a model was trained, and how well it reads."""

    recipe: str
    data: str = Field(description="The data set", examples=["MNIST"])
    digits: int = Field(description="Size of its test set")
    accuracy: float = Field(description="Share of the test set that was read right")


class MeasuredAnswer(BaseModel, from_attributes=True):
    """How well all networks together find and read digits by writers who were held out from training."""

    scenes: int = Field(description="Pictures made for the test")
    numbers: int = Field(description="Those with digits, none of which is cut off")
    exact: int = Field(description="Numbers that were read exactly")
    average_precision: float = Field(description="Of the digits' boxes, from 0 to 1")


class CalibrationAnswer(BaseModel, from_attributes=True):
    """Probabilities from which what the finder sees is taken up."""

    candidate_threshold: float = Field(description="From here on, something may be a digit")
    sign_threshold: float = Field(description="From here on, something is a sign in `text`")


class LimitsAnswer(BaseModel):
    """What is accepted at most."""

    bytes: int = Field(description="Of one request")
    pixels: int = Field(description="Of one picture")
    files: int = Field(description="Of one request")
    media_types: Sequence[str] = Field(description="Of the pictures that are read", examples=[["image/png"]])


class ModelAnswer(BaseModel):
    """What reads the pictures, and what it accepts."""

    model: str = Field(description="The model's name, and the first 8 characters of its file's SHA-256")
    networks: Mapping[str, str] = Field(description="The same of each other network and of their calibration, by name")
    training: TrainingAnswer | None = Field(description="Null if the model was trained elsewhere")
    measured: MeasuredAnswer | None = Field(description="Null if these networks were not measured together")
    threshold: float = Field(description="The confidence from which an answer is `recognised`")
    calibration: CalibrationAnswer
    limits: LimitsAnswer


@bp.get("/model")
@recognises
def model() -> ResponseReturnValue:
    """Describe the model and its limits."""
    settings, recogniser = services().settings, services().recogniser
    limits = LimitsAnswer(
        bytes=settings.max_bytes, pixels=settings.max_pixels, files=MAX_FILES, media_types=MEDIA_TYPES
    )
    return respond(
        ModelAnswer(
            model=recogniser.model,
            networks=recogniser.networks,
            training=TrainingAnswer.model_validate(recogniser.training) if recogniser.training else None,
            measured=MeasuredAnswer.model_validate(recogniser.measured) if recogniser.measured else None,
            threshold=recogniser.threshold,
            calibration=CalibrationAnswer.model_validate(recogniser.calibration),
            limits=limits,
        )
    )
