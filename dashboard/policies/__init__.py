"""Pages and API of policies and models: forms, words, schemas, and what a draft would change."""
