"""Whole ways through the project on material that is made on the spot."""
