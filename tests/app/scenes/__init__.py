"""More that pictures are taken of: see `tests.app.pictures`. A module for each part of the window;
each of its functions takes a `Studio` and the pictures of its scenes."""
