"""Learning from decisions: how much there is to learn from, and how well a version agrees with it."""
