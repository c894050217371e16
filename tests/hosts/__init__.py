"""Several hosts and several nginx, and one release after another."""
