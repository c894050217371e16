"""The capacity model: its formulas, and its predictions against measurement."""
