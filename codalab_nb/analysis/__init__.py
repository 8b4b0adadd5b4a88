"""What the template notebooks share: load a staged data set, compute, draw, say it in words.

Stands alone: nothing here imports the rest of codalab_nb, so a notebook runs wherever numpy, pandas, scipy and
matplotlib are.
"""
