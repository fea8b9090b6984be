"""What an objection needs to be taken up (RPN, DOMAIN 3.7)."""

from __future__ import annotations

import re

from core.text import N_, Message

SOURCE = "公益创投项目管理办法（公示与异议）；政府采购法实施条例 第五十五条"
ANSWER_DAYS = 5  # working days for the answer (DOMAIN 2.4, step 14)

_PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}")
_NAMELESS = {"匿名", "群众", "市民", "网友", "无名", "佚名"}


def objection_problems(*, name: str, phone: str, text: str) -> list[tuple[str, Message]]:
    """What keeps an objection from being taken up: (field, sentence). Anonymous ones are not accepted."""
    found = []
    bare = "".join(name.split())
    if len(bare) < 2 or bare in _NAMELESS or any(character.isdigit() for character in bare):
        found.append(("name", Message(N_("Write your real name: anonymous objections are not accepted."))))
    if not _PHONE.fullmatch("".join(phone.split())):
        found.append(
            ("phone", Message(N_("Write a phone number where you can be reached, mobile or landline.")))
        )
    if len(text.strip()) < 10:
        found.append(("text", Message(N_("Say what you object to and why, in at least ten characters."))))
    return found
