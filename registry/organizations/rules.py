"""Unified social credit codes (统一社会信用代码): reading and checking; names that may be one body;
what each register asks of an entry.

A code has 18 characters of ``0-9 A-H J-N P-R T U W-Y`` (no I O S V Z): registering authority and
kind (2), division of the registry (6), organization code (8) with its own check character (GB 11714),
and a check character over the first seventeen (GB 32100-2015, weights and alphabet of DOMAIN 4).
python-stdnum computes the GB 32100 check; GB 11714 and the sentences are ours. A code that passes
does not prove that the organization exists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from stdnum.cn import uscc

from core.rules.rules import Finding, Verdict
from core.text import N_, Message
from registry.agencies.rules import is_under
from registry.persons.rules import PROVINCES, sort_key

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

# Authority and kind as GB 32100-2015 table 1 pairs them: authority digit -> kinds.
_KINDS_BY_AUTHORITY = {
    "1": "1239",
    "2": "19",
    "3": "123459",
    "4": "19",
    "5": "123459",
    "6": "129",
    "7": "129",
    "8": "19",
    "9": "123",
    "A": "19",
    "N": "1239",
    "Y": "1",
}
PREFIXES = frozenset(first + second for first, kinds in _KINDS_BY_AUTHORITY.items() for second in kinds)

# Prefix -> contractor kind as the purchase table writes it (DOMAIN 3.1 import, DOMAIN 4).
KIND_BY_PREFIX = {
    "51": "社会团体",
    "52": "社会服务机构",
    "53": "基金会",
    "12": "事业单位",
    "13": "群团组织",
    "91": "企业",
}
SOCIAL_ORGANIZATION_PREFIXES = frozenset({"51", "52", "53"})

# The ministry registers for the whole nation; its division is 100000 and no province starts with 10.
_NATION = "100000"

_GB_11714_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

# Full-width forms become ASCII; white space and hyphens that people type between groups vanish.
# Other look-alikes (circled digits, Cyrillic letters) stay and are refused.
_CLEANED = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | dict.fromkeys(
    ord(mark) for mark in " \t\r\n\u00a0\u2002\u2003\u2009\u200b\u3000\ufeff-\uff0d\u2010\u2011\u2013\u2014"
)


class CodeError(ValueError):
    """A code that cannot be right; ``str()`` is the sentence, ``message`` its translatable form."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.english())
        self.message = message


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A checked code in its normal form: 18 upper-case ASCII characters."""

    code: str

    @property
    def kind(self) -> str:
        """Authority and kind: ``51`` association, ``52`` service agency, ``53`` foundation, ``91`` enterprise…"""
        return self.code[:2]

    @property
    def division(self) -> str:
        """Six digits: the division of the registry, 100000 for the ministry."""
        return self.code[2:8]

    @property
    def organization_code(self) -> str:
        """Nine characters: the former organization code with its check character (GB 11714)."""
        return self.code[8:17]

    @property
    def is_social_organization(self) -> bool:
        """True for 51, 52 and 53, what the 30% rule counts."""
        return self.kind in SOCIAL_ORGANIZATION_PREFIXES

    def __str__(self) -> str:
        return self.code


def organization_check_character(body: str) -> str:
    """GB 11714 check character of the eight characters before it."""
    total = sum(int(char, 36) * weight for char, weight in zip(body, _GB_11714_WEIGHTS, strict=True))
    check = (11 - total % 11) % 11
    return "X" if check == 10 else str(check)


def check_credit_code(code: str) -> CreditCode:
    """Read a code as people write it; ``CodeError`` says what is wrong with it.

    Full-width characters, lower case, blanks and hyphens are put right; nothing is guessed.
    """
    normal = "".join(char.upper() if char.isascii() else char for char in code[:200].translate(_CLEANED))
    if len(normal) != LENGTH:
        raise CodeError(
            Message(
                N_(
                    "A unified social credit code has 18 characters, this one has %(length)s: check it for missing or extra characters."
                ),
                {"length": len(normal)},
            )
        )
    for place, char in enumerate(normal, start=1):
        if char not in ALPHABET:
            raise CodeError(
                Message(
                    N_(
                        "Character %(place)s is “%(char)s”, which a unified social credit code never contains: it uses digits and capital letters without I, O, S, V and Z."
                    ),
                    {"place": place, "char": char},
                )
            )
    if normal[:2] not in PREFIXES:
        raise CodeError(
            Message(
                N_(
                    "“%(prefix)s” at the start is no registering authority and kind of organization: a social organization starts with 51, 52 or 53."
                ),
                {"prefix": normal[:2]},
            )
        )
    division = normal[2:8]
    if not division.isdigit() or (division != _NATION and division[:2] not in PROVINCES):
        raise CodeError(
            Message(
                N_("Characters 3 to 8 are “%(division)s”, which is no administrative division."),
                {"division": division},
            )
        )
    if normal[16] != organization_check_character(normal[8:16]):
        raise CodeError(
            Message(
                N_(
                    "The organization code in characters 9 to 17, “%(part)s”, fails its check character (GB 11714): at least one character is mistyped."
                ),
                {"part": normal[8:17]},
            )
        )
    if normal[17] != uscc.calc_check_digit(normal[:17]):
        raise CodeError(
            Message(
                N_(
                    "The last character “%(char)s” does not fit the seventeen before it (GB 32100): at least one character is mistyped."
                ),
                {"char": normal[17]},
            )
        )
    return CreditCode(normal)


@lru_cache(maxsize=65_536)
def credit_code_or_none(code: str) -> CreditCode | None:
    """The checked code, or ``None`` where it is blank or wrong. Cached: purchase tables repeat codes."""
    if not code:
        return None
    try:
        return check_credit_code(code)
    except CodeError:
        return None


# Names that may be one body -----------------------------------------------------------------------

_ASIDE = re.compile(r"[（(【\[][^）)】\]]*[）)】\]]|[\s·•、，,。\-—“”\"]")
_PLACES = re.compile(
    r"^(?:[^省市区县旗盟州镇乡]{2,8}(?:省|市|自治区|自治州|盟|州)|[^省市区县旗盟州镇乡]{1,6}(?:(?<!社)区|县|旗))+(?:[^镇乡街]{1,6}(?:镇|乡|街道|苏木))?"
    r"|^[^街苏]{1,6}(?:街道|苏木)"
)
_FORMS = re.compile(
    r"(?:社会工作|社工|志愿服务|志愿者|志愿|公益|综合|发展|居民|社区服务)*"
    r"(?:促进会|联合会|研究会|同业公会|校友会|联谊会|互助会|协会|学会|商会|总会|基金会|服务中心|服务站|服务社|服务队|中心|工作室|工作站|总队|大队|分队|队|站|社|会)$"
)
KEY_LENGTH = 60


@lru_cache(maxsize=16_384)
def name_keys(name: str) -> tuple[str, str]:
    """What similar names share: the name without division and form, and how that is read.

    “示例市晨光社会工作服务中心” and “晨光社工服务站” both give 晨光, chen guang. What would leave fewer
    than two characters is not taken off.
    """
    key = _ASIDE.sub("", name)
    for pattern in (_PLACES, _FORMS):
        shorter = pattern.sub("", key)
        if len(shorter) >= 2:
            key = shorter
    key = key[:KEY_LENGTH]
    return key, sort_key(key)[:120]


# What each register asks ----------------------------------------------------------------------------

LEVELS = {
    "light": N_("light: guidance, looked at on complaint"),
    "standard": N_("standard: yearly inspection and draws"),
    "close": N_("close: looked at each quarter"),
}
ROR_DEFAULTS: dict[str, Any] = {
    "level_registered": "standard",
    "level_filed": "light",
    "level_outside": "standard",
    "verify_months": 12,
    "leader_age": 70,
    "leader_terms": 2,
    "term_years": 5,
}
ROR_SOURCES = {
    "level": "社会组织登记管理机关行政执法约谈工作规定；分类管理制度",
    "verify": "社会组织信用信息管理办法（民政部令第60号）",
    "leader": "社会团体章程示范文本；社会团体登记管理条例第十二条",
    "term": "基金会管理条例第二十条；民办非企业单位章程示范文本规定",
}
REGISTERED = "社会团体登记管理条例第十二条；民办非企业单位登记管理暂行条例第十二条；基金会管理条例第十一条"
DUAL = "社会团体登记管理条例第六条；国务院机构改革和职能转变方案（四类社会组织直接登记）"
FILED = "民政部关于大力培育发展社区社会组织的意见（民发〔2017〕191号）；社区社会组织备案制度"
OUTSIDE = "社会组织信用信息管理办法；属地管理制度"
FEDERATION = "社区社会组织联合会登记办法：联合会应登记为社会团体法人"


def register_findings(facts: Mapping[str, Any], *, on: date) -> list[Finding]:
    """What the register of the entry's class asks, each with its answer.

    ``facts``: kind, register_class, credit_code, registered_on, leader, business_scope, address, phone,
    division, home_division, host_kind, host_code, tags, direct_class, community_type and the columns of
    the profile; what is not known is ``None`` or empty.
    """
    by_class = {"filed": _filed, "outside": _outside}
    return by_class.get(facts["register_class"], _registered)(facts, on)


def _asked(rule: str, title: str, value: Any, missing: str, source: str) -> Finding:
    given = value is not None and value != ""
    return Finding(
        rule,
        Verdict.PASS if given else Verdict.FAIL,
        Message(title),
        Message(N_("It is on the register.")) if given else Message(missing),
        source=source,
    )


def _contact(facts: Mapping[str, Any], source: str) -> list[Finding]:
    return [
        _asked("ROR-3", N_("Person in charge"), facts["leader"],
               N_("Nobody is named: enter the legal representative or the person in charge."), source),
        _asked("ROR-4", N_("Address and telephone"), facts["address"] and facts["phone"],
               N_("Address or telephone is missing: a notice would not arrive."), source),
    ]  # fmt: skip


def _registered(facts: Mapping[str, Any], on: date) -> list[Finding]:
    found = [
        _asked("ROR-1", N_("Credit code and day of registration"), facts["credit_code"] and facts["registered_on"],
               N_("Credit code or day of registration is missing: copy both from the certificate."), REGISTERED),
        _asked("ROR-2", N_("Business scope"), facts["business_scope"],
               N_("The business scope of the charter is missing: applications are compared with it."), REGISTERED),
        *_contact(facts, REGISTERED),
    ]  # fmt: skip
    if facts["kind"] not in ("social_association", "social_service_agency", "foundation"):
        return found
    found.append(_certificate(facts, on))
    found.append(
        _asked("ROR-6", N_("Charter approved on"), facts["charter_on"],
               N_("The day on which the charter was approved is missing."), REGISTERED)
    )  # fmt: skip
    found.append(
        _asked("ROR-7", N_("Registration capital"), facts["capital"],
               N_("The registration capital is missing: copy it from the certificate."), REGISTERED)
    )  # fmt: skip
    route = facts["direct_class"] or facts["supervising_unit"] or facts["detachment"] == "done"
    found.append(
        _asked("ROR-8", N_("Route of registration"), route or None,
               N_("Neither a class of direct registration nor a supervising unit is named: one of them there must be."), DUAL)
    )  # fmt: skip
    if "federation" in facts["tags"]:
        found.append(federation_finding(facts["kind"], facts["credit_code"]))
    return found


def _certificate(facts: Mapping[str, Any], on: date) -> Finding:
    until = facts["certificate_to"]
    title = Message(N_("Certificate valid"))
    if until is None:
        return Finding("ROR-5", Verdict.FAIL, title,
                       Message(N_("The validity of the certificate is missing.")), source=REGISTERED)  # fmt: skip
    late = until < on
    return Finding(
        "ROR-5",
        Verdict.FAIL if late else Verdict.PASS,
        title,
        Message(N_("The certificate ended on %(day)s: have it renewed."), {"day": until})
        if late
        else Message(N_("The certificate is valid until %(day)s."), {"day": until}),
        source=REGISTERED,
    )


def _filed(facts: Mapping[str, Any], on: date) -> list[Finding]:
    return [
        _asked("ROR-11", N_("Township or community"), facts["division"] if len(facts["division"]) >= 9 else None,
               N_("The division has six digits: name the township (9 digits) or community (12) that filed it."), FILED),
        _asked("ROR-12", N_("Day of filing"), facts["filed_on"],
               N_("The day of filing is missing."), FILED),
        _asked("ROR-13", N_("Kind of activity"), facts["community_type"],
               N_("Say what it does in the community: support is given by kind of activity."), FILED),
        _asked("ROR-14", N_("Members"), facts["member_count"],
               N_("The number of members is missing."), FILED),
        _asked("ROR-16", N_("How it was founded"), facts["founding"],
               N_("Say how it was founded: by residents, the community, an organization or another unit."), FILED),
        *_contact(facts, FILED),
        _host(facts),
    ]  # fmt: skip


def _host(facts: Mapping[str, Any]) -> Finding:
    title = Message(N_("Registered host"))
    if facts["host_kind"] is None:
        return Finding("ROR-15", Verdict.MANUAL, title,
                       Message(N_("No host is named: it can take part in projects only through one (E12).")), source=FILED)  # fmt: skip
    if str(facts["host_code"] or "")[:2] in SOCIAL_ORGANIZATION_PREFIXES:
        return Finding("ROR-15", Verdict.PASS, title,
                       Message(N_("The host is a registered social organization (%(code)s).",), {"code": facts["host_code"]}), source=FILED)  # fmt: skip
    return Finding("ROR-15", Verdict.MANUAL, title,
                   Message(N_("The host is no social organization: somebody decides whether it may host.")), source=FILED)  # fmt: skip


def _outside(facts: Mapping[str, Any], on: date) -> list[Finding]:
    near = facts["credit_code"] and is_under(facts["credit_code"][2:8], facts["home_division"])
    return [
        _asked("ROR-1", N_("Credit code and day of registration"), facts["credit_code"] and facts["registered_on"],
               N_("Credit code or day of registration is missing: copy both from the certificate."), OUTSIDE),
        Finding(
            "ROR-21",
            Verdict.MANUAL if near else Verdict.PASS,
            Message(N_("Registered elsewhere")),
            Message(N_("The code was given by a registry of this place: is it not registered here?"))
            if near
            else Message(N_("The code was given by a registry of another place.")),
            source=OUTSIDE,
        ),
        _asked("ROR-22", N_("Home registry"), facts["home_authority"],
               N_("Name the registry that keeps it at home: punishments are asked for there."), OUTSIDE),
        _asked("ROR-23", N_("At work here since"), facts["active_since"],
               N_("Say since when it is at work here."), OUTSIDE),
        _asked("ROR-24", N_("Contact at this place"), facts["local_contact"] and facts["local_phone"],
               N_("A person with telephone at this place is missing."), OUTSIDE),
        *_contact(facts, OUTSIDE),
    ]  # fmt: skip


def federation_finding(kind: str, code: str | None) -> Finding:
    """A federation of community organizations is a social association with a code of 51 (S4-18)."""
    fits = kind == "social_association" and (code or "").startswith("51")
    return Finding(
        "ROR-9",
        Verdict.PASS if fits else Verdict.FAIL,
        Message(N_("Federation as legal person")),
        Message(N_("The federation is registered as a social association."))
        if fits
        else Message(
            N_(
                "A federation is registered as a social association with a code that starts with 51: this one is not."
            )
        ),
        source=FEDERATION,
    )


def supervision_level(
    register_class: str, status: str, *, under_investigation: bool, parameters: Mapping[str, Any]
) -> Finding:
    """How closely a body is looked after: by its class, and closely whenever something stands against it."""
    close = status in ("abnormal", "liquidating") or under_investigation
    level = "close" if close else parameters[f"level_{register_class}"]
    return Finding(
        "ROR-31",
        Verdict.NOT_APPLICABLE if status in ("deregistered", "revoked") else Verdict.PASS,
        Message(N_("Supervision by class")),
        Message(LEVELS[level]),
        source=ROR_SOURCES["level"],
        facts={"level": level, "why": "standing" if close else "class"},
    )
