"""A run as one HTML file: its curves, its interventions, its settings and how it ended."""
