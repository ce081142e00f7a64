"""What would help this reel: changes are tried on its own frames, sound and caption, and the result is scored."""

from virality_core.advice.candidates import better_cover, candidates
from virality_core.advice.change import Change, Stabilization
from virality_core.advice.ranking import BUDGET_SECONDS, MIN_POINTS, advise

__all__ = ["BUDGET_SECONDS", "MIN_POINTS", "Change", "Stabilization", "advise", "better_cover", "candidates"]
