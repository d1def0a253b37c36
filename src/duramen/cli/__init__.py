"""The command line: configuration, inputs, output paths and one file for each command."""
