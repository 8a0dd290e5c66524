"""Networks of the field's libraries as backbones: one module per library, each with ``load(name, options)``."""
