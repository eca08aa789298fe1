"""What can go wrong, each with a message that a user can act on.

The web layer maps these to statuses in one table (web/problems.py); nothing here knows HTTP.
"""


class DigitsError(Exception):
    """The base of everything this package raises on purpose; str(error) is a sentence for the user."""


class StartError(DigitsError):
    """The server cannot start as configured."""


class SettingsError(StartError):
    """A setting has a value that cannot be used."""


class ModelError(StartError):
    """The model file is missing, unsafe, damaged or of the wrong shape."""


class DataError(DigitsError):
    """The training data is missing, damaged or of the wrong shape."""


class Refused(DigitsError):
    """An upload or request that is not accepted; it leaves nothing behind."""


class BadRequest(Refused):
    """The request is malformed."""


class Forbidden(Refused):
    """This client may not read the history."""


class NotFound(Refused):
    """There is no such upload."""


class TooSlow(Refused):
    """The request's body stopped arriving."""


class TooLarge(Refused):
    """Too many bytes."""


class TooManyPixels(Refused):
    """Too many pixels, or a picture made to be costly to decode."""


class UnsupportedRequest(Refused):
    """A request type that is not understood."""


class EmptyFile(Refused):
    """No bytes."""


class NotAPicture(Refused):
    """The bytes are not a picture, or a damaged one."""


class NoInk(Refused):
    """A picture with nothing written in it."""


class KeyReused(Refused):
    """Another picture came under the same idempotency key."""


class Busy(Refused):
    """The server is overloaded."""


class Unavailable(DigitsError):
    """The database or the storage does not answer."""


class Unsettled(Unavailable):
    """The connection was lost during a commit: the record may or may not be kept."""


class StorageFull(DigitsError):
    """There is no room to keep the picture."""
