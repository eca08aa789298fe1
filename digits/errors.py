"""The errors of this package. Each is raised with a sentence that tells a user what is wrong, and what to do.

They know nothing of HTTP: web/problems.py has the one table from errors to statuses.
"""


class DigitsError(Exception):
    """The base of all errors that this package raises on purpose; str(error) is a sentence for the user."""

    @property
    def with_cause(self) -> str:
        """The sentence, and what caused the error if that is known, for operators."""
        return f"{self} ({self.__cause__!r})" if self.__cause__ else str(self)


class StartError(DigitsError):
    """The server cannot start as configured."""


class SettingsError(StartError):
    """A setting has a value that cannot be used."""


class ModelError(StartError):
    """The model file is missing, unsafe, damaged or of the wrong shape."""


class DataError(DigitsError):
    """The training data is missing, damaged or of the wrong shape."""


class Refused(DigitsError):
    """An upload or request is not accepted, and nothing of it is kept."""


class BadRequest(Refused):
    """The request is malformed."""


class Forbidden(Refused):
    """This client may not read the history."""


class KeyNeeded(Refused):
    """The request has no API key, or none that is valid."""


class MissingScope(Refused):
    """The API key does not allow this."""


class NotFound(Refused):
    """There is no such upload."""


class TooSlow(Refused):
    """The request's body stopped arriving, or took too long."""


class TooLarge(Refused):
    """The request has too many bytes, or too many parts."""


class TooManyPixels(Refused):
    """The picture has too many pixels, or is made so that it is costly to decode."""


class UnsupportedRequest(Refused):
    """The content type of the request is not understood."""


class EmptyFile(Refused):
    """The file has no bytes."""


class NotAPicture(Refused):
    """The file is not a picture, or is damaged."""


class Undecodable(DigitsError):
    """The decoder of a picture died, or did not end."""


class NoInk(Refused):
    """There is nothing in the picture that looks like a digit."""


class KeyReused(Refused):
    """Another picture was sent with the same idempotency key."""


class RateExceeded(Refused):
    """This client has sent as many requests as it may for now."""


class Busy(Refused):
    """The server is overloaded."""


class Unavailable(DigitsError):
    """The database or the storage does not answer."""


class Unsettled(Unavailable):
    """The record may or may not be kept: the connection was lost during the commit, or the commit takes too long."""


class StorageFull(DigitsError):
    """There is no room to keep the picture or its record."""
