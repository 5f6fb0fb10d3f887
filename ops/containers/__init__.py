"""The container runtime: one-shot services, health checks, secrets and status."""
