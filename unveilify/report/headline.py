"""Who won, by how much, and whether it means anything: the sentences above all tables."""

from unveilify.report.table import Difference, Head, Section, Table, text

ORDER: tuple[Section, ...] = ("identity", "hole", "whole picture")
"""The sections whose first column is told of: what the network is for comes first."""


def headlines(table: Table) -> list[str]:
    """A sentence for the first column of each section, and one on what the intervals hold; none if nothing competes."""
    heads = [head for section in ORDER for head in [head for head in table.of(section) if head.main][:1]]
    told = [sentence for head in heads if (sentence := _sentence(table, head))]
    if not told:
        return []
    facts = table.facts
    return [
        *told,
        f"Measured on {facts['triplets']} triplets of {facts['identities']} people; brackets are 95 % intervals over "
        f"{table.over}, and do not hold what another seed would make of a training.",
    ]


def _sentence(table: Table, head: Head) -> str:
    winners = table.best[head.key]
    if not winners:
        return ""
    line = next(line for line in table.lines if line.label == winners[0])
    value = _with_unit(head, text(head, line.cells[head.key]))
    names = [table.name(label) for label in winners]
    if len(names) > 1:
        return f"{head.title}: {', '.join(names[:-1])} and {names[-1]} are equal, {value}."
    if winners[0] == "copy":
        return f"{head.title}: no row is better than the masked photo as it is ({value})."
    margin = _margin(table, head, winners[0])
    if margin is None:
        return f"{head.title}: {names[0]} is best, {value}."
    other, low, mean, high, sure = margin
    digits = head.digits
    by = _with_unit(head, f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]")
    verdict = "more than chance would give" if sure else "which may be chance"
    where = "below" if head.better == "lower" else "above"
    rest = f"{table.name(other)}{', the nearest that was trained' if line.kind == 'rival' else ''}"
    return f"{head.title}: {names[0]} is best, {value}; that is {by} {where} {rest}, {verdict}."


def _margin(table: Table, head: Head, winner: str) -> tuple[str, float, float, float, bool] | None:
    """The nearest row that the winner was compared with: its label, and by how much the winner is better."""
    found = [d for d in table.differences if d.key == head.key and winner in (d.label, d.against)]
    if not found:
        return None
    own: list[Difference] = [d for d in found if d.label == winner]
    nearest = min(own or found, key=lambda d: abs(d.estimate.mean))
    other = nearest.against if nearest.label == winner else nearest.label
    ends = [nearest.estimate.low, nearest.estimate.high]
    if (nearest.label == winner) != (head.better == "higher"):
        ends = [-end for end in ends]
    return other, min(ends), abs(nearest.estimate.mean), max(ends), nearest.better or nearest.worse


def _with_unit(head: Head, words: str) -> str:
    return f"{words} {head.unit}" if head.unit else words
