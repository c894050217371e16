"""Numbered changes of the schema, and what applies them."""
