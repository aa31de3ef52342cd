"""Operations: the doctor, readiness, the schema, housekeeping and the verification of the history."""
