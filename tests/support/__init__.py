"""What integration, chaos and bench share: a home of its own, real processes, notebooks."""
