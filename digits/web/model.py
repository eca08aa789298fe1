"""What reads the pictures, and what it accepts: a page can ask before it sends a photo."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from digits.vision.decode import MEDIA_TYPES
from digits.web.cors import public
from digits.web.incoming import MAX_FILES
from digits.web.schemas import CalibrationAnswer, LimitsAnswer, ModelAnswer, TrainingAnswer, respond
from digits.web.services import services

bp = Blueprint("model", __name__)


@bp.get("/model")
@public
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
            threshold=recogniser.threshold,
            calibration=CalibrationAnswer.model_validate(recogniser.calibration),
            limits=limits,
        )
    )
