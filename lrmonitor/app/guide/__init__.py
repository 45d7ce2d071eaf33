"""The guide in the window: pages about learning rates and findings, read where they are needed."""

from __future__ import annotations
