"""How offices head the columns of lists of people, and write levels, skills and hours. Pure functions."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.spreadsheets import Cell, CellError, cell_text
from core.text import N_, Message

MAX_ROWS = 2_000
MAX_BYTES = 20 * 1024 * 1024
# Nobody gives more in a lifetime.
MAX_HOURS = 60_000

_PERSON = {
    "name": ("姓名", "名字", "人员姓名"),
    "identity": ("身份证号码", "身份证号", "身份证", "公民身份号码", "证件号码", "证件号", "居民身份证号码"),
    "phone": ("手机号码", "手机号", "手机", "联系电话", "联系方式", "电话", "移动电话"),
    "organization": (
        "所在组织", "工作单位", "所在单位", "服务机构", "所在机构", "单位名称", "所属组织", "统一社会信用代码", "服务组织",
    ),
    "unit": ("管理单位", "所属部门", "责任部门", "所属街道", "所属乡镇", "管理部门"),
}  # fmt: skip
# Kind of list -> every way to head a column -> the column.
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "workers": _PERSON
    | {
        "post": ("岗位", "职务", "职位", "岗位名称", "从事岗位"),
        "full_time": ("专职或兼职", "专兼职", "专职/兼职", "用工形式", "是否专职"),
        "since": ("入职日期", "入职时间", "从业日期", "从业时间", "参加工作时间", "到岗日期"),
        "level": (
            "证书等级", "资格等级", "职业水平等级", "社工证等级", "证书级别", "职业资格等级", "社会工作者职业水平", "等级",
            "资格级别",
        ),
        "certificate": (
            "证书编号", "证书号", "社工证编号", "证书号码", "登记证书编号", "职业水平证书编号", "资格证书编号", "管理号",
        ),
        "issued_on": (
            "发证日期", "发证时间", "取得日期", "取证时间", "批准日期", "签发日期", "获证日期", "取得证书时间",
        ),
        "valid_to": (
            "有效期至", "登记有效期至", "到期日期", "证书有效期", "有效期止", "登记到期日", "失效日期", "有效期限",
        ),
    },
    "volunteers": _PERSON
    | {
        "born_on": ("出生日期", "出生年月日", "生日"),
        "skills": ("技能", "特长", "服务技能", "专业特长", "志愿服务特长", "服务专长"),
        "registered_on": ("注册日期", "注册时间", "登记日期", "加入日期", "加入时间", "志愿者注册日期"),
        "consented_on": (
            "同意日期", "知情同意日期", "同意书签署日期", "签署日期", "授权日期", "同意书日期", "个人信息同意日期",
        ),
        "consent_form": (
            "同意书", "同意书编号", "同意方式", "知情同意书", "同意书存放", "授权书编号", "同意书所在",
        ),
        "guardian": ("监护人", "监护人姓名", "家长姓名"),
        "guardian_phone": ("监护人电话", "监护人手机", "监护人联系电话", "家长电话", "监护人手机号"),
        "guardian_consented_on": ("监护人同意日期", "监护人签署日期", "家长同意日期"),
        "insurer": ("保险公司", "承保公司", "承保机构", "保险机构"),
        "policy": ("保单号", "保险单号", "保单编号", "保险编号"),
        "cover_from": ("保险起期", "保险生效日期", "保险起始日期", "保险开始日期", "保障起始日"),
        "cover_to": ("保险止期", "保险到期日期", "保险截止日期", "保险有效期至", "保障截止日"),
        "hours": ("累计服务时长", "服务时长", "服务时数", "累计服务时数", "志愿服务时长", "服务小时数", "服务小时"),
        "hours_to": ("时长统计截止日期", "统计截止日期", "截止日期", "统计日期", "时长截至"),
    },
}  # fmt: skip
# What a column is called on pages.
WORDS = {
    "name": N_("Name of the person"), "identity": N_("Identity number"), "phone": N_("Mobile number"),
    "organization": N_("Organization"), "unit": N_("Kept by"), "post": N_("Post"),
    "full_time": N_("Full time"), "since": N_("Since"), "level": N_("Level of the certificate"),
    "certificate": N_("Number of the certificate"), "issued_on": N_("Issued on"),
    "valid_to": N_("Registration ends on"), "born_on": N_("Born on"), "skills": N_("Skills"),
    "registered_on": N_("In the list since"), "consented_on": N_("Consent given on"),
    "consent_form": N_("Which paper or page holds the consent"), "guardian": N_("Name of the guardian"),
    "guardian_phone": N_("Mobile number of the guardian"),
    "guardian_consented_on": N_("Guardian's consent given on"), "insurer": N_("Insurer"),
    "policy": N_("Number of the policy"), "cover_from": N_("Insured from"), "cover_to": N_("Insured to"),
    "hours": N_("Hours given until then"), "hours_to": N_("Hours counted until"),
}  # fmt: skip
DAYS = frozenset(
    {
        "since", "issued_on", "valid_to", "born_on", "registered_on", "consented_on", "guardian_consented_on",
        "cover_from", "cover_to", "hours_to",
    }
)  # fmt: skip
TIME_WORDS = {"yes": N_("full time"), "no": N_("part time")}
REQUIRED = {"workers": ("name",), "volunteers": ("name", "consented_on", "consent_form")}
# What a certificate and an insurance consist of: told whole or not at all.
CERTIFICATE = ("level", "certificate", "issued_on", "valid_to")
COVER = ("insurer", "policy", "cover_from", "cover_to")
GUARDIAN = ("guardian", "guardian_phone", "guardian_consented_on")

NONE = frozenset({"无", "没有", "未取得", "无证", "/", "-", "—", "——", "否", "暂无"})
NO_CONSENT = NONE | {"未签", "未签署", "不同意", "未同意", "拒绝"}
LEVELS = {
    "助理社会工作师": "assistant", "助理社工师": "assistant", "助理级": "assistant", "助理": "assistant", "初级": "assistant",
    "初级社工": "assistant", "初级社会工作师": "assistant", "初级社会工作者": "assistant", "助理社会工作师(初级)": "assistant",
    "社会工作师": "intermediate", "社工师": "intermediate", "中级": "intermediate", "中级社工": "intermediate",
    "中级社会工作师": "intermediate", "中级社工师": "intermediate", "中级社会工作者": "intermediate",
    "社会工作师(中级)": "intermediate", "高级社会工作师": "senior", "高级社工师": "senior", "高级": "senior",
    "高级社工": "senior", "高级社会工作者": "senior", "高级社会工作师(高级)": "senior",
}  # fmt: skip
TIMES = {"专职": "yes", "全职": "yes", "是": "yes", "兼职": "no", "非全日制": "no", "否": "no"}
SKILLS = {
    "探访照护": "care", "探访和照护": "care", "照护": "care", "探访": "care", "陪伴": "care", "助老": "care", "护老": "care",
    "医疗急救": "medical", "医疗和急救": "medical", "医疗": "medical", "急救": "medical", "医护": "medical", "健康": "medical",
    "心理咨询": "psychology", "心理": "psychology", "心理疏导": "psychology", "心理辅导": "psychology", "法律": "legal",
    "法律咨询": "legal", "普法": "legal", "教学": "teaching", "教育": "teaching", "课业辅导": "teaching", "支教": "teaching",
    "文体": "arts", "文化体育": "arts", "文艺": "arts", "体育": "arts", "文化和体育": "arts", "计算机": "digital",
    "新媒体": "digital", "摄影": "digital", "计算机和新媒体": "digital", "电脑": "digital", "应急救援": "emergency",
    "应急和救援": "emergency", "应急": "emergency", "救援": "emergency", "消防": "emergency", "环保": "environment",
    "环境": "environment", "环境保护": "environment", "驾驶": "driving", "司机": "driving", "翻译": "translation",
    "手语": "translation", "蒙古语": "translation", "蒙语": "translation", "外语": "translation", "语言": "translation",
}  # fmt: skip
_SEPARATORS = re.compile(r"[、，,;；/|]|\s+")
_PHONE = re.compile(r"\d{5,20}")
_HOURS = re.compile(r"(\d{1,6}(?:\.\d{1,2})?)\s*(?:小时|时|h)?(?:\s*(\d{1,2})\s*(?:分钟|分))?", re.I)


@dataclass
class Draft:
    """A row as it was read: cells as they stood, what is marked in the sheet by place, values by column, reasons.

    Days among the values are written as 2025-03-01. ``changes`` are (column, before, after) once it was compared.
    """

    number: int
    cells: list[Any]
    marks: list[tuple[int, Message]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    reasons: list[tuple[str, Message]] = field(default_factory=list)
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)

    def text(self) -> str:
        """Everything as text, to be sealed."""
        return json.dumps(
            {
                "cells": self.cells,
                "marks": [[place, message.to_dict()] for place, message in self.marks],
                "values": self.values,
                "reasons": [[column, message.to_dict()] for column, message in self.reasons],
                "changes": self.changes,
            },
            ensure_ascii=False,
        )


def draft_of(number: int, text: str) -> Draft:
    """The row whose :meth:`Draft.text` this is."""
    told = json.loads(text)
    return Draft(
        number,
        told["cells"],
        [(place, Message.from_dict(message)) for place, message in told["marks"]],
        told["values"],
        [(column, Message.from_dict(message)) for column, message in told["reasons"]],
        [(column, before, after) for column, before, after in told["changes"]],
    )


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace(" ", "")


def read_phone(cell: Cell) -> str:
    """A telephone number in its digits; the country's own prefix goes."""
    text = re.sub(r"[\s\-()+]", "", unicodedata.normalize("NFKC", cell_text(cell)))
    if len(text) == 13 and text.startswith("861"):
        text = text[2:]
    if not _PHONE.fullmatch(text):
        raise CellError(Message(N_("write one telephone number, in digits")))
    return text


def read_level(cell: Cell) -> str:
    """The level of a certificate; "" for who has none."""
    text = plain(cell_text(cell))
    if text in NONE:
        return ""
    level = LEVELS.get(text) or LEVELS.get(text.removesuffix("证书").removesuffix("资格"))
    if level is None:
        raise CellError(_unknown(cell_text(cell), LEVELS))
    return level


def _unknown(text: str, known: dict[str, str]) -> Message:
    first = {value: word for word, value in reversed(known.items())}
    return Message(
        N_("“%(text)s” is not known here; known are: %(known)s"),
        {"text": text[:40], "known": "、".join(list(first.values())[::-1])},
    )


def read_skills(cell: Cell) -> list[str]:
    found: list[str] = []
    for part in _SEPARATORS.split(cell_text(cell)):
        text = plain(part)
        if not text or text in NONE:
            continue
        if text not in SKILLS:
            raise CellError(_unknown(part, SKILLS))
        if SKILLS[text] not in found:
            found.append(SKILLS[text])
    return sorted(found)


def read_hours(cell: Cell) -> int:
    """Hours as minutes: 126.5, 126.5小时, 126小时30分."""
    found = _HOURS.fullmatch(unicodedata.normalize("NFKC", cell_text(cell)).replace(",", "").strip())
    if found is None or float(found[1]) > MAX_HOURS:
        raise CellError(
            Message(N_("write the hours as a number up to %(most)s, such as 126.5"), {"most": MAX_HOURS})
        )
    return round(float(found[1]) * 60) + int(found[2] or 0)


def sample_rows(kind: str, on: date) -> list[dict[str, str]]:
    """Fictional people of the sample workbook, written in some of the ways that are read."""
    year = on.year
    if kind == "workers":
        return [
            {
                "name": "示例甲", "born": "19880412", "phone": "13900000101", "post": "项目社工", "full_time": "专职",
                "since": f"{year - 3}-03-01", "level": "助理社会工作师", "certificate": "SAMPLE-0001",
                "issued_on": f"{year - 1}年6月12日", "valid_to": f"{year + 2}年6月11日",
            },
            {
                "name": "示例乙", "born": "19790923", "phone": "13900000102", "post": "督导", "full_time": "兼职",
                "since": f"{year - 2}/9/1", "level": "高级社会工作师", "certificate": "SAMPLE-0002",
                "issued_on": f"{year - 1}.10.8", "valid_to": f"{year + 2}.10.7",
            },
            {"name": "示例丙", "born": "20010105", "phone": "13900000103", "post": "社区专干", "level": "无"},
        ]  # fmt: skip
    return [
        {
            "name": "示例丁", "born": "19920718", "phone": "13900000201", "skills": "探访照护、驾驶",
            "registered_on": f"{year - 2}-05-04", "consented_on": f"{year - 2}-05-04",
            "consent_form": "纸质同意书第12号", "insurer": "示例保险公司", "policy": "SAMPLE-P-01",
            "cover_from": f"{year}-01-01", "cover_to": f"{year}-12-31", "hours": "126.5",
            "hours_to": f"{year - 1}-12-31",
        },
        {
            "name": "示例戊", "born": f"{year - 15}0301", "phone": "13900000202", "skills": "文体",
            "consented_on": f"{year - 1}年3月8日", "consent_form": "纸质同意书第13号", "guardian": "示例己",
            "guardian_phone": "13900000203", "guardian_consented_on": f"{year - 1}年3月8日", "hours": "12小时30分",
            "hours_to": f"{year - 1}-12-31",
        },
    ]  # fmt: skip
