"""What an incident cost, and what it did not cost because doomed retries were refused."""

from recloser.report.markdown import Markdown, escape_inline
from recloser.report.words import sentence, usd
from recloser.values import Incident


def money_lines(incident: Incident) -> tuple[Markdown, ...]:
    """The bill in a few lines; without a declared price it says so and gives no figure."""
    money = incident.money
    if money is None:
        return (Markdown("No figure: the target declares no prices (`[prices]` in `recloser.toml`)."),)
    unpriced = f"; {money.unpriced_attempts} more could not be priced" if money.unpriced_attempts else ""
    priced = len(incident.attempts) - money.unpriced_attempts
    lines = [
        Markdown(f"**Spent:** {usd(money.spent_usd)} on {priced} attempts{unpriced}."),
        Markdown(f"**Not spent:** {usd(money.saved_usd)} on {money.refused_retries} doomed retries that were refused."),
    ]
    if money.refused_retries:
        lines.append(Markdown(f"**How that is counted:** {sentence(money.rule)}"))
    return (*lines, Markdown(f"**Prices:** {escape_inline(money.prices)}"))


def money_rows(incident: Incident) -> list[dict[str, str]]:
    """The bill as rows of a table artifact: one an attempt, and the sums."""
    money = incident.money
    if money is None:
        return [{"what": "no figure", "USD": "–", "note": "the target declares no prices"}]  # noqa: RUF001
    rows = [
        {
            "what": f"attempt {attempt.number}",
            "USD": usd(attempt.cost_usd),
            "note": f"{attempt.diagnosis.cause}" if attempt.diagnosis else "",
        }
        for attempt in incident.attempts
    ]
    return [
        *rows,
        {"what": "spent", "USD": usd(money.spent_usd), "note": str(escape_inline(money.prices))},
        {
            "what": f"not spent on {money.refused_retries} refused retries",
            "USD": usd(money.saved_usd),
            "note": str(escape_inline(money.rule)),
        },
    ]
