"""Symbol sets: where their data is kept, how it comes here, and what it says about a position in minified code.

Stands between the models and those who use it: the pipeline resolves frames with it, the API takes uploads. It knows
nothing of events and frames; what a frame's language makes of an answer is the business of `pipeline.frames`.
"""
