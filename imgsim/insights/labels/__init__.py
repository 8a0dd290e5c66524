"""Labels that the neighbours contradict."""
