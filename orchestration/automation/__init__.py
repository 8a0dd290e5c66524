"""Runs without a person: the nightly schedule, the sensor on a watched folder, and the retention of versions."""
