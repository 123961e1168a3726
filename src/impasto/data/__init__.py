"""Data room: what networks are trained on, each sample a function of its position alone."""
