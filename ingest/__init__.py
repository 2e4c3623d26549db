"""Ingest: what services send is checked, buffered and handed to the domain. Only writes."""
