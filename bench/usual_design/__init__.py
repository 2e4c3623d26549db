"""The design that most would write, to compare with: a serializer, a task an event, an UPDATE each."""
