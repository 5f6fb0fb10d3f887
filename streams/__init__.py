"""Change events in, canonical records and state out: the only package that knows Faust and Debezium."""
