"""Files for Prometheus and Grafana: alert rules with their tests, a scrape configuration, a dashboard."""
