"""Settings: declared, resolved by recipe, as flags, in help."""
