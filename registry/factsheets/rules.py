"""Which facts a table may hold, how offices head and write them, and what each is called."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

from core.money import Money, MoneyError
from core.spreadsheets import Cell, CellError, cell_text
from core.text import N_, Message
from registry.intake import rules as intake
from registry.organizations.reports import FIELD_WORDS

# One transaction takes them all: more would keep other writers of a SQLite database waiting too long.
MAX_ROWS = 2_000
STAFF = ("full_time", "part_time", "social_workers", "volunteers", "new_jobs")
PARTY = ("full_members", "party_org_kind", "party_in_charter")
ENTRY = ("direct_class", "community_type")
# Every way to head a column -> the column.
COLUMNS: dict[str, tuple[str, ...]] = {
    "credit_code": intake.COLUMNS["credit_code"],
    "name": intake.COLUMNS["name"],
    "year": ("年度", "统计年度", "年检年度", "年份", "所属年度"),
    "inspection": ("年检结论", "年检结果", "年检情况", "年度检查结论", "年报结果", "年检"),
    "full_time": ("专职人数", "专职工作人员数", "专职人员", "专职工作人员", "专职人员数"),
    "part_time": ("兼职人数", "兼职工作人员数", "兼职人员", "兼职人员数"),
    "social_workers": ("持证社工人数", "持证社工", "社工人数", "社会工作者人数"),
    "volunteers": ("注册志愿者人数", "志愿者人数", "注册志愿者"),
    "new_jobs": ("新增就业人数", "吸纳就业人数", "新增就业"),
    "full_members": ("正式党员人数", "正式党员数", "党员人数", "正式党员"),
    "party_org_kind": ("党组织形式", "党组织类型", "党组织组建形式", "党组织设置"),
    "party_in_charter": ("党建入章", "党建写入章程", "党建工作写入章程"),
    "community_type": ("活动类型", "社区社会组织类型", "活动类别"),
    "activity_area": ("活动区域", "活动范围", "活动地域"),
    "member_count": ("活动人数", "成员人数", "会员人数", "成员数", "会员数"),
    "founding": ("成立方式", "组建方式", "发起方式"),
    "filed_on": ("备案日期", "备案时间"),
    "filing_number": ("备案编号", "备案号", "备案证号"),
    "direct_class": ("直接登记类别", "直接登记类型"),
    "capital": ("注册资金(元)", "注册资金", "开办资金", "原始基金数额", "注册资本"),
    "capital_wan": ("注册资金(万元)", "开办资金(万元)", "注册资本(万元)", "原始基金数额(万元)"),
    "certificate_from": ("证书有效期起", "登记证书有效期起"),
    "certificate_to": ("证书有效期止", "登记证书有效期止", "证书有效期至"),
    "charter_on": ("章程核准日期", "章程核准时间"),
    "supervising_unit": ("业务主管单位", "业务指导单位"),
}  # fmt: skip
WORDS: dict[str, str] = {
    **{name: FIELD_WORDS[name] for name in COLUMNS if name in FIELD_WORDS},
    "year": N_("Year"), "inspection": N_("Annual inspection"), "social_workers": N_("Certified social workers"), "full_members": N_("Full party members"),
    "party_org_kind": N_("Party organization"), "party_in_charter": N_("Party building in the charter"),
    "capital_wan": N_("Registration capital in 10,000 yuan"),
}  # fmt: skip
RESULTS = {
    "合格": "qualified", "通过": "qualified", "基本合格": "basic", "不合格": "failed", "未通过": "failed", "未参加": "missing",
    "未参检": "missing", "未年检": "missing", "未报送": "missing", "未参加年检": "missing", "未年报": "missing",
}  # fmt: skip
PARTY_KINDS = {
    "单独组建": "sole", "单独建立": "sole", "单独": "sole", "独立组建": "sole", "联合组建": "joint", "联合建立": "joint", "联合": "joint",
    "功能型": "functional", "功能型党组织": "functional", "无": "none", "未建立": "none", "未组建": "none", "没有": "none",
}  # fmt: skip
DIRECT = {
    "行业协会商会类": "industry", "行业协会商会": "industry", "科技类": "science", "公益慈善类": "charity", "公益慈善": "charity",
    "城乡社区服务类": "community", "城乡社区服务": "community",
}  # fmt: skip
ACTIVITIES = {
    "社会动员": "mobilization", "民主协商": "consultation", "矛盾调处": "mediation", "矛盾纠纷调处": "mediation", "专项事务": "affairs",
    "社区服务": "service", "公益慈善": "charity", "慈善互助": "charity", "互助": "charity", "文体活动": "culture", "文体": "culture",
    "文化体育": "culture", "其他": "other",
}  # fmt: skip
FOUNDED = {
    "居民自发": "residents", "自发成立": "residents", "居民自发成立": "residents", "自发": "residents", "社区发起": "community",
    "社区引导": "community", "居委会发起": "community", "街道发起": "community", "政府引导": "community", "社会组织孵化": "organization",
    "孵化培育": "organization", "社会组织发起": "organization", "单位发起": "unit", "企业发起": "unit", "其他": "other",
}  # fmt: skip
_YES = frozenset({"是", "有", "已", "已写入", "已入章", "√", "Y", "1"})
_NO = frozenset({"否", "无", "未", "未写入", "未入章", "×", "X", "N", "0"})
YEAR_HEADING = "2024年度年检结论"
_OF_YEAR = re.compile(r"((?:19|20)\d\d)年?度?(?:年检|年报|年度检查)(?:结论|结果|情况)?")


def year_of_heading(heading: str) -> int | None:
    """The year whose inspection a column such as 2024年度年检结论 holds."""
    found = _OF_YEAR.fullmatch(unicodedata.normalize("NFKC", heading).replace(" ", ""))
    return int(found[1]) if found else None


def word_of(column: str) -> str:
    """The English id of what a column holds; of an inspection and of a staff count without its year."""
    return WORDS[column.partition("@")[0]]


def read_year(cell: Cell) -> int:
    text = unicodedata.normalize("NFKC", cell_text(cell)).removesuffix("年度").removesuffix("年").strip()
    text = text.removesuffix(".0")
    if not re.fullmatch(r"(19|20)\d\d", text):
        raise CellError(Message(N_("write the year as 2025")))
    return int(text)


def read_whole(cell: Cell) -> int:
    """A number of people: 12, 12.0, 12人, 1,200."""
    text = unicodedata.normalize("NFKC", cell_text(cell)).replace(",", "").removesuffix("人").strip()
    text = text.removesuffix(".0")
    if not re.fullmatch(r"\d{1,7}", text):
        raise CellError(Message(N_("write a whole number of people, such as 12")))
    return int(text)


def read_yes(cell: Cell) -> bool:
    text = unicodedata.normalize("NFKC", cell_text(cell)).strip().upper()
    if text in _YES:
        return True
    if text in _NO or text == "×":
        return False
    raise CellError(Message(N_("write 是 or 否")))


def read_yuan(cell: Cell) -> int:
    """An amount in fen."""
    return _fen(cell, 1)


def read_wan(cell: Cell) -> int:
    """An amount written in 10,000 yuan, in fen."""
    return _fen(cell, 10_000)


def _fen(cell: Cell, times: int) -> int:
    text = unicodedata.normalize("NFKC", cell_text(cell)).replace(",", "").strip()
    text = text.removesuffix("元")
    if text.endswith("万"):
        text, times = text[:-1], 10_000
    try:
        amount = Decimal(text) * times
        if not amount.is_finite() or amount < 0:
            raise InvalidOperation
        return Money.yuan(f"{amount:f}").fen
    except (InvalidOperation, MoneyError, ValueError) as error:
        raise CellError(Message(N_("write an amount in yuan, such as 30000"))) from error


def plain_value(value: Any) -> Any:
    """A value of the register as a row keeps it."""
    if isinstance(value, Money):
        return value.fen
    return value.isoformat() if hasattr(value, "isoformat") else value


def sample_row(year: int) -> dict[str, str]:
    """What the sample workbook tells of an organization that does not exist."""
    return {
        "name": "示例某某社区服务中心", "year": str(year), "inspection": "合格", "full_time": "6", "part_time": "3",
        "social_workers": "2", "volunteers": "40", "new_jobs": "1", "full_members": "3", "party_org_kind": "单独组建",
        "party_in_charter": "是", "supervising_unit": "示例市民政局", "capital": "30000", "charter_on": f"{year}年6月1日",
        "certificate_from": f"{year}-06-12", "certificate_to": f"{year + 4}-06-11",
    }  # fmt: skip
