"""The page's parts, one a file: a Report in, what is shown out."""
