"""Fits, with scikit-learn, what `models/` ships: how evidence combines, from labelled replays."""
