"""Reel Virality: how a short video is likely to do, why, and what to change."""
