"""Why two people decide."""

from __future__ import annotations

SEPARATION = "政府采购法 第六十一条；行政事业单位内部控制规范（试行）第十五条"
