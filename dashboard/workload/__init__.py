"""The page of one workload: how it stands, its rate, its episodes, causes, latencies and costs."""
