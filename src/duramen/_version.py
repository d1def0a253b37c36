"""The version of the package, for the build, the saved models and the sidecars."""

__version__ = "0.1.0"
