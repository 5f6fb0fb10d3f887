"""What Vendure's rows mean."""
