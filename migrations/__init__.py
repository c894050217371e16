"""Numbered schema migrations, and their runner."""
