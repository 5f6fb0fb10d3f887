"""What Tryton's rows mean."""
