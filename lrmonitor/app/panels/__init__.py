"""The panels beside the plots; each control is one small class that owns its binding."""

from __future__ import annotations
