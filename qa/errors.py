"""The errors, a tree.

Only the command line and the web service turn them into exit codes and problems::

QAError
├── SettingsError          a setting, flag or variable that cannot be used
├── QueryError             a question or filter that cannot be answered as asked
├── QuestionsError         a file of questions, of a saved run or of a recorded search that cannot be used
├── BatchError             a batch whose questions could not all be answered; what was answered is kept
├── DeliveryError          one piece of news that did not reach its command or webhook; it is tried again
├── ReadError              one document that cannot be read
│   └── MissingFileError   there is no such file
├── UploadError            one file that is not taken into the documents folder
│   ├── UnreadKindError    it is of no kind that is read
│   ├── TooLargeError      it is larger than what is read
│   ├── NameTakenError     another file has its name
│   └── NoSpaceError       the disk is too full
├── RenderingError         one page that cannot be drawn within its limits
│   ├── RenderingTimeoutError  it took too long by the clock; it may do better when less is going on
│   └── RenderingBusyError     as many pages are being drawn as there is room for
├── ModelError             the embedding model, reranker or reader cannot be loaded or used
│   └── ExportRefusedError    the faster form of the model does not keep its vectors
├── BuildError             the index could not be built
│   ├── LockedError        another process is building it
│   ├── DocumentsGoneError  the documents folder, or most of what is indexed of it, is gone at once
│   └── ClusterError       the Ray cluster cannot be reached, or has failed
├── IndexUnavailableError  there is no index to read
│   ├── CorruptIndexError  there is one, but it is not what was written
│   └── StoreUnavailableError  what keeps it does not answer; it may do so again at any time
└── NotFoundError          no such document or passage
    ├── GoneError          it was there once: the document has changed since
    └── ChangedError       its file is there, but is not what was indexed
"""

from __future__ import annotations


class QAError(Exception):
    """Something that went wrong in a way that the user can understand and act on."""


class SettingsError(QAError):
    """A setting, flag or variable that cannot be used."""


class QueryError(QAError):
    """A question or filter that cannot be answered as asked."""


class QuestionsError(QAError):
    """A file of questions, of a saved run or of a recorded search that cannot be used."""


class BatchError(QAError):
    """A batch whose questions could not all be answered. What was answered is kept."""


class DeliveryError(QAError):
    """One piece of news that did not reach its command or webhook. It is tried again."""


class ReadError(QAError):
    """One document that cannot be read."""


class MissingFileError(ReadError):
    """There is no such file."""


class UploadError(QAError):
    """One file that is not taken into the documents folder."""


class UnreadKindError(UploadError):
    """The file is of no kind that is read."""


class TooLargeError(UploadError):
    """The file is larger than what is read."""


class NameTakenError(UploadError):
    """Another file has the same name."""


class NoSpaceError(UploadError):
    """The disk is too full."""


class RenderingError(QAError):
    """One page that cannot be drawn within its limits."""


class RenderingTimeoutError(RenderingError):
    """A page took too long to draw."""


class RenderingBusyError(RenderingError):
    """Too many pages are being drawn. Try again in a moment."""


class UnpackingBusyError(RenderingBusyError):
    """Too many files are being unpacked. Try again in a moment."""


class ModelError(QAError):
    """The embedding model, reranker or reader cannot be loaded or used."""


class ExportRefusedError(ModelError):
    """The faster form of the model cannot be made or does not keep its vectors."""


class BuildError(QAError):
    """The index could not be built."""


class LockedError(BuildError):
    """Another process is building the index."""


class DocumentsGoneError(BuildError):
    """The documents folder, or most of what is indexed of it, is gone at once."""


class ClusterError(BuildError):
    """The Ray cluster cannot be reached, or has failed."""


class IndexUnavailableError(QAError):
    """There is no index to read."""


class CorruptIndexError(IndexUnavailableError):
    """There is an index, but it is not what was written."""


class StoreUnavailableError(IndexUnavailableError):
    """What keeps the index does not answer."""


class NotFoundError(QAError):
    """No such document or passage."""


class GoneError(NotFoundError):
    """It was there once: the document has changed since."""


class ChangedError(NotFoundError):
    """The document's file is not what was indexed."""
