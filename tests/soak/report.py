"""The table that a run prints: faults, actions, durations of responses, and checks."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from tests.soak import checks
from tests.soak.checks import Check, Evidence
from tests.soak.ledger import Ledger, Outcome

SHOWN = 20  # Problems of one check that are printed.


def render(ledger: Ledger, evidence: Evidence, results: Sequence[Check]) -> str:
    """Return the table."""
    verdicts = (
        f"{check.title:<52}{'ok' if not check.problems else f'FAILED ({len(check.problems)})'}" for check in results
    )
    return "\n\n".join(
        [_faults(evidence), _actions(ledger, evidence), _requests(ledger), "\n".join(["Check", *verdicts])]
    )


def render_problems(results: Sequence[Check]) -> str:
    """Return what is wrong, the first problems of each check."""
    parts = []
    for check in results:
        if check.problems:
            more = [f"... and {len(check.problems) - SHOWN} more"] if len(check.problems) > SHOWN else []
            parts += [f"\n{check.title}: FAILED", *(f"  {each}" for each in (*check.problems[:SHOWN], *more))]
    return "\n".join(parts)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def _row(name: str, *values: object) -> str:
    return f"{name:<28}" + "".join(f"{value:>13}" for value in values)


def _faults(evidence: Evidence) -> str:
    """Return the number of faults of each kind."""
    counts = Counter(fault.kind for fault in evidence.faults)
    kinds = (_row(kind, count) for kind, count in sorted(counts.items()))
    return "\n".join([_row("Fault", "times"), *kinds, _row("all", sum(counts.values()))])


def _actions(ledger: Ledger, evidence: Evidence) -> str:
    """Return the number of actions of each kind by outcome, and of those of unknown result that were completed."""
    found: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for action in ledger.actions:
        found[action.kind][action.outcome] += 1
    completed = Counter(action.outcome for action in checks.find_completed(ledger, evidence))
    rows = [*sorted(found.items()), ("all", sum(found.values(), Counter())), ("completed all the same", completed)]
    return "\n".join([_row("Action", *Outcome), *(_row(kind, *(of[each] for each in Outcome)) for kind, of in rows)])


def _requests(ledger: Ledger) -> str:
    """Return the number of requests by status, and the durations of their responses."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for each in ledger.exchanges:
        seconds[str(each.status or "no response")].append(each.seconds)
        seconds["all"].append(each.seconds)
    return "\n".join(
        [
            _row("Response", "requests", "p50 s", "p99 s", "max s"),
            *(
                _row(status, len(of), *(f"{percentile(of, share):.3f}" for share in (0.5, 0.99, 1)))
                for status, of in sorted(seconds.items())
            ),
        ]
    )
