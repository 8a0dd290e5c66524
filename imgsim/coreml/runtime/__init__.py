"""Interpreter of Core ML packages on any machine: reads an ML Program and computes it with torch."""
