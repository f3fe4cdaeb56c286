"""Every error that cisgram raises on purpose.

CisgramError
├── InputError      (also ValueError)   an argument, a file or a setting is wrong; exit status 2
│   ├── ModelError  (also RuntimeError) a model's own code failed on what it was given
│   ├── NoFiltersError                  a model without a convolution over the bases
│   └── UnknownName (also LookupError)  no such model, method, motif, ...
├── MissingExtra    (also ImportError)  an optional dependency is not installed; exit status 2
├── StorageError    (also OSError)      no room left on the disk or in memory; exit status 4
└── UnsafeError                         refused because loading it could run code; exit status 5
"""


class CisgramError(Exception):
    """Base class; catch this to catch everything cisgram raises on purpose."""

    exit_status = 2


class InputError(CisgramError, ValueError):
    """An argument, a file or a setting has a wrong shape, type or value."""


class UnknownName(InputError, LookupError):
    """A registry or a database has no entry of this name."""


class ModelError(InputError, RuntimeError):
    """A model's own forward pass failed; the error that it raised is the cause."""


class NoFiltersError(InputError):
    """The model has no convolution over the four bases, or its filters learned nothing."""


class MissingExtra(CisgramError, ImportError):
    """An optional dependency is missing; the message says which extra to install."""


class StorageError(CisgramError, OSError):
    """The disk or the memory is full; what was written before is whole."""

    exit_status = 4


class UnsafeError(CisgramError):
    """Refused: loading this could run code that came with it."""

    exit_status = 5
