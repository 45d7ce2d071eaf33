"""Several runs together: their curves overlaid, their settings and results in one table."""
