"""What readers see while parts of the service fail: each fault under load, with figures and demands."""
