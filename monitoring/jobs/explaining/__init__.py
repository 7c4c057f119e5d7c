"""Explanations: computed in the sandbox from a version's own files, stored only if they add up."""
