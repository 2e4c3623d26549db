"""The overview: who needs somebody now, every workload in a row, and who must act."""
