"""The container runtime: docker-compose.yml's one-shot services, health checks, secrets and status."""
