"""Dashboard: what people and machines read. Only reads, and passes decisions down."""
