"""How movements are entered in government accounting, and the standard columns of the files."""

from __future__ import annotations

from dataclasses import dataclass

from core.text import N_

STANDARD = "政府会计制度——行政事业单位会计科目和报表（财会〔2017〕25号）"
STANDARD_RETURN = "政府会计制度——行政事业单位会计科目和报表（财会〔2017〕25号）：本年度国库直接支付退回"

MOVEMENTS = {
    "payable>paid": N_("paid out"),
    "committed>paid": N_("set off against a tranche"),
    "paid>committed": N_("returned by the bank after payment"),
    "paid>returned": N_("surplus or recovered money came back"),
}
BOOKS = {"financial": N_("financial accounting"), "budget": N_("budget accounting")}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the mapping: what is debited and credited for a movement in one book."""

    debit_code: str
    debit_name: str
    credit_code: str
    credit_name: str
    basis: str


EXPENSE, INCOME = ("5001", "业务活动费用"), ("4001", "财政拨款收入")
BUDGET_EXPENSE, BUDGET_INCOME = ("7101", "行政支出"), ("6001", "财政拨款预算收入")
# 平行记账: each movement in both books, by (movement, book).
DEFAULTS: dict[tuple[str, str], Entry] = {
    ("payable>paid", "financial"): Entry(*EXPENSE, *INCOME, STANDARD),
    ("payable>paid", "budget"): Entry(*BUDGET_EXPENSE, *BUDGET_INCOME, STANDARD),
    ("committed>paid", "financial"): Entry(*EXPENSE, *INCOME, STANDARD),
    ("committed>paid", "budget"): Entry(*BUDGET_EXPENSE, *BUDGET_INCOME, STANDARD),
    ("paid>committed", "financial"): Entry(*INCOME, *EXPENSE, STANDARD_RETURN),
    ("paid>committed", "budget"): Entry(*BUDGET_INCOME, *BUDGET_EXPENSE, STANDARD_RETURN),
    ("paid>returned", "financial"): Entry(*INCOME, *EXPENSE, STANDARD_RETURN),
    ("paid>returned", "budget"): Entry(*BUDGET_INCOME, *BUDGET_EXPENSE, STANDARD_RETURN),
}
BOOK_NAMES = {"financial": "财务会计", "budget": "预算会计"}

# Files for other systems: field → standard heading, in the standard order.
VOUCHERS, INTEGRATION = "vouchers", "budget_integration"
FIELDS: dict[str, dict[str, str]] = {
    VOUCHERS: {
        "number": "凭证号",
        "day": "凭证日期",
        "summary": "摘要",
        "book": "账套",
        "account_code": "科目编码",
        "account_name": "科目名称",
        "debit": "借方金额",
        "credit": "贷方金额",
        "function_code": "功能分类",
        "economic_code": "经济分类",
        "project_number": "项目编号",
        "project_name": "项目名称",
        "payee": "往来单位",
        "reference": "业务单号",
    },
    INTEGRATION: {
        "unit_code": "单位区划编码",
        "unit_name": "单位名称",
        "fiscal_year": "预算年度",
        "document_number": "指标文号",
        "function_code": "支出功能分类科目",
        "economic_code": "政府预算支出经济分类",
        "source_kind": "资金性质",
        "source_name": "资金来源",
        "project_number": "项目编号",
        "project_name": "项目名称",
        "payee": "收款人全称",
        "payee_code": "收款人统一社会信用代码",
        "payee_bank": "收款人开户银行",
        "amount": "支付金额",
        "paid_on": "支付日期",
        "voucher_number": "支付凭证号",
        "payment_number": "支付申请编号",
    },
}
FILE_WORDS = {
    VOUCHERS: N_("accounting vouchers"),
    INTEGRATION: N_("file for the budget-integration system"),
}
SOURCE_KIND_NAMES = {
    "general_public_budget": "一般公共预算资金",
    "government_fund_budget": "政府性基金预算资金",
    "welfare_lottery_fund": "政府性基金预算资金（彩票公益金）",
    "development_fund": "一般公共预算资金（发展资金）",
    "community_subsidy": "一般公共预算资金（社区补贴）",
    "party_service_fund": "一般公共预算资金（党群服务经费）",
    "party_building_cost": "一般公共预算资金（党建经费）",
    "donation": "单位资金（捐赠）",
    "foundation_match": "单位资金（基金会配套）",
    "crowdfunding": "单位资金（众筹）",
    "self_raised": "单位资金（自筹）",
}
