"""Commands that keep what people decide about pictures."""
