"""Runs through the whole project on generated videos."""
