"""A run: its method is built from settings and data, and trained.

`survival` has what of a run outlives its process, `monitoring` what is watched of it.
"""
