"""Answers: images found by name, what distances mean, labels in an answer, pictures of the user that it holds."""
