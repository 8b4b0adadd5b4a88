"""Systematic analysis: what is known of methods on data sets, and which one to try next."""
