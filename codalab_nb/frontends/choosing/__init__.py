"""Choosing data, methods and settings with a mouse: what the panel in a notebook and the JupyterLab pages both know."""
