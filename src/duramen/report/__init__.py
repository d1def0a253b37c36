"""What draws and writes HTML, and nothing else does."""
