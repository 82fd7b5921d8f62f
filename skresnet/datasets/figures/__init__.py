"""Drawing of the five kinds of paper figures; one module a kind.

Importing a module of this package imports matplotlib, so it is done on first use.
"""
