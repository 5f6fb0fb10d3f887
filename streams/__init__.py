"""Change events in, canonical records and state out: the only room that knows Faust."""
