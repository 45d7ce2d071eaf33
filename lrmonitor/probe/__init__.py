"""What lives inside the training process.

Every line here runs within somebody's ten-day job: it never raises into the training, never takes
a lock that another thread holds for long, and gives up quietly when it is broken.
"""
