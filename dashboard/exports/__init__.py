"""Lists and figures as files: what stands in a cell, how a file is put together, and how far each has come."""
