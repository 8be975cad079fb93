"""The status page, the metrics and the health of the daemon."""
