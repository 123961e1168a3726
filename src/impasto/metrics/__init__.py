"""Measures of pictures, one a file: what each value means, and how it was taken."""
