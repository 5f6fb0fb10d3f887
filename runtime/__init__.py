"""What a running process needs: settings, errors, Avro, Kafka, retry, dead letters, logs."""
