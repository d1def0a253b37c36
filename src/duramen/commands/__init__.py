"""Options come in; orders are read, models fitted, files written and what came out is told. Called by the command line.

Each command is a file: the whole way through the house in the order in which it runs.
"""
