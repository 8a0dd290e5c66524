"""Learning from decisions, as the pages Evaluation and Compare show it."""
