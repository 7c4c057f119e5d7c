"""What is done inside of the sandbox. Each task is a module with `perform(inputs, work)`.

Only these modules open model files. They run after all layers are on; what they import at their top
is imported before.
"""
