"""Pictures of charts: ECharts itself, run on the server, writes the SVG of an option.

One script engine a process, in a thread of its own (it may not change threads); a picture takes some
10 ms and is kept. The address of a picture holds the option, signed for its viewer: what stands in it
was on the page already, and nobody has the server draw anything else.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import quickjs
from flask import current_app
from flask_login import current_user
from itsdangerous import BadData, URLSafeSerializer

from core.web.urls import carried_content

WIDTH = 480
_TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
_DRAW = """PLATFORM({
  // No canvas measures words here: a Chinese character is as wide as the type is high, others about 0.6 of it.
  measureText(text, font) {
    const size = parseFloat(/([\\d.]+)px/.exec(font)?.[1] || "12");
    return { width: [...text].reduce((sum, sign) => sum + (sign.codePointAt(0) < 0x2e80 ? 0.58 : 1), 0) * size };
  },
});
return function (option, width, height) {
  const chart = INIT(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption(JSON.parse(option));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return JSON.stringify({ svg });
};"""


def available() -> bool:
    return bool(carried_content("echarts.js"))


def sign(option: dict[str, Any], height: int) -> str:
    return str(_signer().dumps([option, height]))


def read(token: str) -> tuple[dict[str, Any], int] | None:
    """The option and height of an address; ``None`` when it was not made here for this viewer."""
    try:
        option, height = _signer().loads(token)
    except BadData:
        return None
    return option, height


def _signer() -> URLSafeSerializer:
    viewer = str(current_user.id) if current_user.is_authenticated else ""
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"chart {viewer}")


@lru_cache(maxsize=128)
def svg(option: str, width: int, height: int, font: str | None = None) -> str:
    """The drawing of an option (JSON) as an SVG element of this size in CSS pixels."""
    resolved = _resolve(json.loads(option), tokens() | ({"--font": font} if font else {}))
    answer = _engine()(json.dumps(resolved, ensure_ascii=False), width, height)
    # Its style sheet holds movements and hovering; a picture does neither.
    return re.sub(r"<style.*?</style>", "", json.loads(answer)["svg"], flags=re.DOTALL)


@cache
def tokens() -> dict[str, str]:
    """The light theme's tokens by name."""
    text = re.sub(r"/\*.*?\*/", "", _TOKENS.read_text("utf-8"), flags=re.DOTALL)
    found: dict[str, str] = {}
    for name, value in re.findall(r"(--[\w-]+):\s*([^;]+);", text):
        # The first is the light one. Quotes inside a drawing's attributes are single.
        found.setdefault(name, " ".join(value.replace('"', "'").split()))
    return found


def _resolve(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: known.get(item, item) if key in ("color", "backgroundColor", "borderColor", "fontFamily") and isinstance(item, str)
            else _resolve(item, known)
            for key, item in value.items()
        }  # fmt: skip
    return [_resolve(item, known) for item in value] if isinstance(value, list) else value


@cache
def _engine() -> quickjs.Function:
    """ECharts in a script engine. Its bundle is a module; only what draws is kept of its exports."""
    source = carried_content("echarts.js").decode()
    body, exports = source[: source.rindex("export{")], source[source.rindex("export{") :]
    names = {public: own for own, public in re.findall(r"([\w$]+) as (init|setPlatformAPI)\b", exports)}
    draw = _DRAW.replace("INIT", names["init"]).replace("PLATFORM", names["setPlatformAPI"])
    # There is no clock in the engine, and a picture waits for nothing.
    code = (
        "globalThis.setTimeout = globalThis.clearTimeout = function () {};\n"
        f"globalThis.draw = (function () {{ {body}\n{draw} }})();\nglobalThis.draw"
    )
    return quickjs.Function("draw", code, own_executor=True)
