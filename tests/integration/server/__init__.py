"""A package, so that its server lives as long as its tests and no longer."""
