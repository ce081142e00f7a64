"""Pure functions from pixels to one number: no weights, no state, one measure a file."""
