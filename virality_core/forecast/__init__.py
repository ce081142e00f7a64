"""Predicted engagement: likes, comments, shares, saves and plays as ranges, from what is known before posting."""
