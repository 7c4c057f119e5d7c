"""Where model files are opened: a process that can compute, and nothing else.

`run(errand)` starts a clean Python, takes away what it does not need, layer by layer, makes it
prove that each layer holds, and only then lets it open a model. What came of it is an `Outcome`
with a name for every ending. Nothing of Django is imported here.
"""
