"""A module that raises while it is imported."""

raise RuntimeError("The charts are not aboard.")
