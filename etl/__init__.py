"""The catalogue as CSV files of the old service: written, loaded and compared."""
