"""What would help this reel: changes that are tried on its own frames, sound and caption, and scored for real."""

from virality_core.advice.candidates import candidates
from virality_core.advice.change import Change, Steady
from virality_core.advice.cover import better_cover
from virality_core.advice.ranking import BUDGET_SECONDS, WORTH_SAYING, advise

__all__ = ["BUDGET_SECONDS", "WORTH_SAYING", "Change", "Steady", "advise", "better_cover", "candidates"]
