"""The domain: what a fallback is, how it is recorded and counted. Knows neither `ingest` nor `dashboard`."""
