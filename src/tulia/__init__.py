"""Tulia Campaigns."""

__version__ = "0.1.0"
