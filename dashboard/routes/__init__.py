"""A route's page: what enabling needs, what is known of the fallback, and who may decide."""
