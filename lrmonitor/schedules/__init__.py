"""Learning-rate schedules as pure functions of the step: the probe uses them, previews draw them.

Standard library only, and nothing of the house: they run in any user's environment. Nothing is
imported here, since a training process needs the kinds only once somebody sends it one (`wire`).
"""
