"""Opens videos: everything that reads a stranger's file is in here.

`probe` reads the header; `open_reel` reads the file once for its time stamps and sound, and decodes the chosen frames
once. `preview_mp4` makes the copy that a browser plays where it can't play the file itself.
"""

from virality_core.media.limits import DEFAULT_LIMITS, Limits
from virality_core.media.preview import playable, preview_mp4
from virality_core.media.probe import probe
from virality_core.media.reel import open_reel
from virality_core.media.source import VideoSource

__all__ = ["DEFAULT_LIMITS", "Limits", "VideoSource", "open_reel", "playable", "preview_mp4", "probe"]
