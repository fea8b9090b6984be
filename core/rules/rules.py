"""What a policy rule answers: a finding with verdict, numbers, sentence and source (HOUSE law 6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from core.text import Message


class Verdict(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    MANUAL = "manual"
    NOT_APPLICABLE = "na"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's answer about one thing.

    ``title`` names the rule, ``sentence`` says what was found, ``numbers`` what it was computed
    from (shown beside it), ``source`` quotes the legal basis. ``rule_set`` is the id and version
    of the parameters used.
    """

    rule: str
    verdict: Verdict
    title: Message
    sentence: Message
    numbers: Message | None = None
    source: str = ""
    rule_set: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as a decision stores them."""
        return {
            "rule": self.rule,
            "verdict": self.verdict.value,
            "title": self.title.to_dict(),
            "sentence": self.sentence.to_dict(),
            "numbers": self.numbers.to_dict() if self.numbers else None,
            "source": self.source,
            "rule_set": self.rule_set,
            "facts": self.facts,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            rule=data["rule"],
            verdict=Verdict(data["verdict"]),
            title=Message.from_dict(data["title"]),
            sentence=Message.from_dict(data["sentence"]),
            numbers=Message.from_dict(data["numbers"]) if data["numbers"] else None,
            source=data["source"],
            rule_set=data["rule_set"],
            facts=data["facts"],
        )


def blocking(findings: list[Finding]) -> list[Finding]:
    """The findings that stop a decision: those that failed and those nobody has judged yet."""
    return [item for item in findings if item.verdict in (Verdict.FAIL, Verdict.MANUAL)]
