"""Ways to run the service; see README.md."""
