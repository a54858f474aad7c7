"""Activations elsewhere."""

from course_lib.frameworks.atlas import Atlas, AtlasRow, atlas, homes, shown_inputs

__all__ = ["Atlas", "AtlasRow", "atlas", "homes", "shown_inputs"]
