"""Shop rows in, whole orders out: ``canonical.order``."""
