"""Pure functions from pixels or sound to numbers: no weights, no state."""
