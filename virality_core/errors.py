"""Errors that users may see: each message is one plain sentence that says what is wrong and what would work."""

from __future__ import annotations


class ViralityError(Exception):
    """Base of every error this package raises on purpose; `str(error)` can be shown to a user."""

    exit_code = 3


class UsageError(ViralityError):
    """A value from the caller is not allowed (an unknown platform, a negative follower count)."""

    exit_code = 2


class InputError(ViralityError):
    """The file can't be scored: not a video, damaged, or over a stated limit."""


class WeightsError(ViralityError):
    """Model weights are missing, can't be downloaded, or have the wrong digest."""


class Cancelled(ViralityError):  # noqa: N818  (not an error: the caller asked)
    """The caller asked to stop; nothing is wrong with the file."""
