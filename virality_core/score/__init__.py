"""Signals → one 0–100 score whose points add up, in one of three ways; the report says which ran.

`prior`: the stated weights of config/signals.toml. `learned`: weights fitted on reels with outcomes (`virality
fit-fusion`). `personal`: weights fitted on one creator's own reels. In each, score = Σ wᵢ · desirabilityᵢ, where the
weights wᵢ of the signals that answered are scaled to add up to 1: a skipped signal's weight is shared out among the
rest in proportion. All weights are non-negative, so the score never falls when a desirability rises.
"""

from virality_core.score.score_weights import Way, Weighing, fitted_file, fitted_ways, notes_on, prior, read_weighing
from virality_core.score.uncertainty import sensitivity, uncertainty
from virality_core.score.weighted_score import Fused, band_of, fuse

__all__ = [
    "Fused",
    "Way",
    "Weighing",
    "band_of",
    "fitted_file",
    "fitted_ways",
    "fuse",
    "notes_on",
    "prior",
    "read_weighing",
    "sensitivity",
    "uncertainty",
]
