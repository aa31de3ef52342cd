"""What an operator needs: checks, readiness, housekeeping and the verification of the history."""
