"""`make soak`: people use a fleet over HTTP while its parts fail in turn; a checker compares its ledger with the site.

    .venv/bin/python -m tests.soak [--seconds 300] [--seed 7]

`ledger` records what people did and which response they got, `people` simulates them, `faults` makes the parts fail,
`checks` compares the ledger with the database, the received mail and the logs, and `report` prints the table.
pytest does not collect this folder; tests/test_soak.py tests the checks, and tests/live/test_soak.py runs it briefly.
"""
