"""Signals → one 0–100 score whose points add up.

Score = Σ shareᵢ · desirabilityᵢ, where the shares of the signals that answered are scaled to add up to 1: a skipped
signal's share goes to the others in proportion. Shares are never negative, so a higher desirability never lowers the
score. There are three weightings, and the report says which was used: `prior`, the stated shares of
config/signals.toml; `learned`, fitted on reels with known outcomes (`virality fit-fusion`); `personal`, fitted on one
creator's own reels.
"""

from virality_core.score.shares import (
    Way,
    Weighting,
    fitted_file,
    fitted_ways,
    prior,
    read_weighting,
    weighting_notes,
)
from virality_core.score.uncertainty import sensitivity, uncertainty
from virality_core.score.weighted_score import WeightedScore, band_of, weighted_score

__all__ = [
    "Way",
    "WeightedScore",
    "Weighting",
    "band_of",
    "fitted_file",
    "fitted_ways",
    "prior",
    "read_weighting",
    "sensitivity",
    "uncertainty",
    "weighted_score",
    "weighting_notes",
]
