"""The table that a run prints: faults, actions, durations of responses, and checks."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tests.soak.checks import Check, Fault
from tests.soak.ledger import Ledger, Outcome

SHOWN = 20  # Problems of one check that are printed.


def render(ledger: Ledger, faults: Iterable[Fault], checks: Sequence[Check]) -> str:
    """Return the table."""
    counts = Counter(fault.kind for fault in faults)
    lines = _row("Fault", "times"), *(_row(kind, count) for kind, count in sorted(counts.items()))
    of_faults = "\n".join([*lines, _row("all", sum(counts.values()))])
    verdicts = (
        f"{check.title:<52}{'ok' if not check.problems else f'FAILED ({len(check.problems)})'}" for check in checks
    )
    return "\n\n".join([of_faults, _actions(ledger), _requests(ledger), "\n".join(["Check", *verdicts])])


def render_problems(checks: Sequence[Check]) -> str:
    """Return what is wrong, the first problems of each check."""
    parts = []
    for check in checks:
        if check.problems:
            more = [f"... and {len(check.problems) - SHOWN} more"] if len(check.problems) > SHOWN else []
            parts += [f"\n{check.title}: FAILED", *(f"  {each}" for each in (*check.problems[:SHOWN], *more))]
    return "\n".join(parts)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


def _row(name: str, *values: object) -> str:
    return f"{name:<28}" + "".join(f"{value:>13}" for value in values)


def _actions(ledger: Ledger) -> str:
    """Return the number of actions of each kind by outcome."""
    found: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for action in ledger.actions:
        found[action.kind][action.outcome] += 1
    total = sum(found.values(), Counter())
    rows = [*sorted(found.items()), ("all", total)]
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
