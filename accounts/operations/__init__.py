"""Operations: the doctor, readiness, housekeeping and the verification of the history."""
