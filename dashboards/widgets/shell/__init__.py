"""The parts around every page in the browser."""
