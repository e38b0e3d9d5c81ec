"""docker-compose.yml, as a file and with a real engine."""
