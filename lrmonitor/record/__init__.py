"""The run folder: its format, its writers (standard library only) and its readers (numpy)."""
