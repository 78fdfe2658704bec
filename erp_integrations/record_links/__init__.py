"""Links of projects, vendors and commitments to jobs, vendors and subcontracts."""
