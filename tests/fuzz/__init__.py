"""Requests that nobody would write, to the whole service: made of its contract, or of damaged bytes."""
