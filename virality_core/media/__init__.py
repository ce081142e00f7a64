"""Opens videos. Everything that reads an untrusted file is in here.

`probe` reads the header, `open_reel` what a plan asks for; `preview_mp4` makes a copy for browsers that can't play the
file itself.
"""

from virality_core.media.container.source import VideoSource
from virality_core.media.decoding.opened_video import probe
from virality_core.media.encoding.browser_copy import playable, preview_mp4
from virality_core.media.guards.limits import DEFAULT_LIMITS, Limits
from virality_core.media.reel import open_reel

__all__ = ["DEFAULT_LIMITS", "Limits", "VideoSource", "open_reel", "playable", "preview_mp4", "probe"]
