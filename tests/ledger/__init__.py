"""Every write that clients sent to carts under faults, compared with what the carts hold in the end."""
