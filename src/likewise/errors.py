"""Every error that Likewise raises on purpose.

Each leaf is also the builtin that it resembles, so `except ValueError` keeps working::

    LikewiseError
    ├── SpecError                     a component was asked for in words that cannot be followed
    │   ├── UnknownName               (LookupError) no component, argument or key has that name
    │   ├── BadArgument               (ValueError)  an argument's value is not one it can take
    │   └── BadSpec                   (ValueError)  the spec is no name with literal arguments
    ├── MissingExtra                  (ImportError) an optional package is not installed
    ├── SourceError                   the data cannot be used
    │   ├── SourceNotFound            (FileNotFoundError) there is nothing at that path
    │   ├── EmptySource               (ValueError)  there is nothing in it
    │   ├── DamagedSource             (ValueError)  its form is broken
    │   ├── UnreadableItem            (ValueError)  one item cannot be decoded
    │   ├── WrongKind                 (TypeError)   an item is not of the kind that was expected
    │   ├── DownloadFailed            (OSError)     a file did not arrive as it was published
    │   └── OutOfMemory               (MemoryError) there is no memory for an item
    ├── SplitError                    (ValueError)  the data cannot carry the claim
    ├── RecipeError                   (ValueError)  a recipe's fields contradict each other
    ├── TrainingError                 (RuntimeError) training cannot go on
    │   ├── NothingToResume           (FileNotFoundError) no unfinished run is there
    │   └── UnfinishedRun             (FileExistsError) one is there already
    ├── ModelError                    a model folder cannot be used as asked
    │   ├── ModelNotFound             (FileNotFoundError) there is no model there
    │   ├── ModelExists               (FileExistsError) there is one already
    │   ├── DamagedModel              (ValueError)  a file is altered, truncated or missing
    │   ├── NewerFormat               (ValueError)  written by a later Likewise
    │   ├── ReplacedModel             (ValueError)  another model is in the folder now
    │   ├── UnfitEncoder              (ValueError)  an ONNX file is no encoder that can be wrapped
    │   └── SaveFailed                (OSError)     it could not be written; the old one stands
    ├── GalleryError                  a gallery cannot be used as asked
    │   ├── GalleryNotFound           (FileNotFoundError) there is no gallery there
    │   ├── NotAGallery               (ValueError)  the file is something else
    │   ├── DamagedGallery            (ValueError)  a file is altered, truncated or missing
    │   ├── NewerGallery              (ValueError)  written by a later Likewise
    │   ├── WrongDimension            (ValueError)  vectors of another length than the gallery's
    │   ├── NotEnrolled               (LookupError) the gallery has no such row
    │   ├── MissingItems              (LookupError) what would be embedded again is not there
    │   ├── BadCondition              (ValueError)  a filter that cannot be read
    │   ├── GalleryBusy               (TimeoutError) others did not let it be used in time
    │   ├── GalleryClosed             (ValueError)  it is used after it was closed
    │   └── GalleryUnreachable        (ConnectionError) no answer from its server
    └── DecisionError                 a decision would not be one to defend
        ├── NotCalibrated             (RuntimeError) the model has no calibration
        ├── Undecided                 (ValueError)  a decision that is none was asked for its truth
        ├── CalibrationExists         (FileExistsError) there is one of that name already
        ├── NoReference               (LookupError) there is nothing to compare later items with
        ├── UnsupportedRate           (ValueError)  too few data for that error rate
        ├── BadDistance               (ValueError)  two items have no distance that is a number
        ├── ForeignEmbedding          (ValueError)  the vectors are another model's
        └── Leak                      (ValueError)  the model learned from these data
"""


class LikewiseError(Exception):
    """The root of every error raised on purpose."""


class SpecError(LikewiseError):
    """A component was asked for in words that cannot be followed."""


class UnknownName(SpecError, LookupError):
    """No component, argument or key has that name."""


class BadArgument(SpecError, ValueError):
    """An argument's value is not one that it can take."""


class BadSpec(SpecError, ValueError):
    """The spec is not a name with literal arguments."""


class MissingExtra(LikewiseError, ImportError):
    """An optional package is not installed."""


class SourceError(LikewiseError):
    """The data cannot be used."""


class SourceNotFound(SourceError, FileNotFoundError):
    """There is nothing at that path."""


class EmptySource(SourceError, ValueError):
    """There is nothing in the source."""


class DamagedSource(SourceError, ValueError):
    """The form of the source is broken."""


class UnreadableItem(SourceError, ValueError):
    """One item cannot be decoded."""


class WrongKind(SourceError, TypeError):
    """An item is not of the kind that was expected."""


class DownloadFailed(SourceError, OSError):
    """A file did not arrive as it was published; nothing of it was kept."""


class OutOfMemory(SourceError, MemoryError):
    """There is no memory for an item."""


class SplitError(LikewiseError, ValueError):
    """The data cannot carry the claim."""


class RecipeError(LikewiseError, ValueError):
    """The fields of a recipe contradict each other."""


class TrainingError(LikewiseError, RuntimeError):
    """Training cannot go on."""


class NothingToResume(TrainingError, FileNotFoundError):
    """There is no unfinished run to go on with, or not the one that was asked for."""


class UnfinishedRun(TrainingError, FileExistsError):
    """An unfinished run is there, and nobody asked to go on with it or to begin anew."""


class ModelError(LikewiseError):
    """A model folder cannot be used as asked."""


class ModelNotFound(ModelError, FileNotFoundError):
    """There is no model at that path."""


class ModelExists(ModelError, FileExistsError):
    """There is a model already, and nobody asked to replace it."""


class DamagedModel(ModelError, ValueError):
    """A file of the model is altered, truncated or missing."""


class NewerFormat(ModelError, ValueError):
    """The model was written by a later version of Likewise."""


class ReplacedModel(ModelError, ValueError):
    """Another model is in the folder than the one that was sent to this process."""


class UnfitEncoder(ModelError, ValueError):
    """An ONNX file is no encoder that can be wrapped."""


class SaveFailed(ModelError, OSError):
    """The model could not be written; what was there before still stands."""


class GalleryError(LikewiseError):
    """A gallery cannot be used as asked."""


class GalleryNotFound(GalleryError, FileNotFoundError):
    """There is no gallery at that path."""


class NotAGallery(GalleryError, ValueError):
    """The file is something else than a gallery."""


class DamagedGallery(GalleryError, ValueError):
    """A file of the gallery is altered, truncated or missing."""


class NewerGallery(GalleryError, ValueError):
    """The gallery was written by a later version of Likewise."""


class WrongDimension(GalleryError, ValueError):
    """The vectors have another length than those of the gallery."""


class NotEnrolled(GalleryError, LookupError):
    """The gallery has no row of that id, or nobody of that identity."""


class MissingItems(GalleryError, LookupError):
    """What would be embedded again is not there, or is not what was enrolled."""


class BadCondition(GalleryError, ValueError):
    """A filter on metadata cannot be read."""


class GalleryBusy(GalleryError, TimeoutError):
    """Others did not let the gallery be used in time."""


class GalleryClosed(GalleryError, ValueError):
    """The gallery is used after it was closed."""


class GalleryUnreachable(GalleryError, ConnectionError):
    """The server of the gallery does not answer, or does not let anyone in."""


class DecisionError(LikewiseError):
    """A decision would not be one that can be defended."""


class NotCalibrated(DecisionError, RuntimeError):
    """The model has no calibration."""


class Undecided(DecisionError, ValueError):
    """A decision that the data do not support was asked whether it is true."""


class CalibrationExists(DecisionError, FileExistsError):
    """The model has a calibration of that name already, and nobody asked to replace it."""


class NoReference(DecisionError, LookupError):
    """Nothing was kept of what the model was calibrated on, to compare later items with."""


class UnsupportedRate(DecisionError, ValueError):
    """The data are too few for that error rate."""


class BadDistance(DecisionError, ValueError):
    """Two items have no distance that is a number."""


class ForeignEmbedding(DecisionError, ValueError):
    """The vectors were made by another model."""


class Leak(DecisionError, ValueError):
    """The model learned from the data that it is asked to be measured on."""
