"""Commands that search a model: by pictures or words, its graph, labels in words, and a choice of its images."""
