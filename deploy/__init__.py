"""How the service is run: README.md names the ways."""
