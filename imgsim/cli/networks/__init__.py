"""Networks on the command line: the options that name one, and the list of those that can be used."""
