"""A cluster on this machine: three hosts with Valkey Cluster, Postgres with replicas, instances and two nginx."""
