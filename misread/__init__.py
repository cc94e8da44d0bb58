"""misread: find images that a deployed classifier misreads, and prove it on the deployed build."""

__version__ = "0.1.0"
