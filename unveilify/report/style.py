"""The page's style sheet: light and dark, wide and narrow."""

CSS = """
:root{--ink:#1b1d21;--soft:#60656f;--paper:#fff;--rule:#d9dce1;--mark:#eaf3ea;--good:#1d7a3c;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e7e8ea;--soft:#a0a6b1;--paper:#16181c;--rule:#353a43;--mark:#20352a;
--good:#6fce8f;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1200px;margin:0 auto;padding:16px}
h1{font-size:1.6rem;margin:.4em 0}
h2{font-size:1.2rem;margin:2em 0 .5em;border-bottom:1px solid var(--rule)}
h3{font-size:1rem;margin:1.4em 0 .4em}
p,li{max-width:75ch}
.warning{border-left:4px solid var(--bad);padding:.3em .8em}
.scroll{overflow-x:auto;margin:0 0 1.2em}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.4em 0}
th,td{padding:.3em .7em;text-align:right;border-bottom:1px solid var(--rule);vertical-align:top}
thead th{vertical-align:bottom;font-weight:600;min-width:5.5em}
tbody th,thead td{text-align:left;position:sticky;left:0;background:var(--paper);font-weight:600;min-width:6em;
max-width:14em}
tbody td{white-space:nowrap}
td small{display:block;color:var(--soft);white-space:nowrap}
td.best{background:var(--mark);font-weight:700}
td.best small{font-weight:400}
tr.truth,tr.stranger,tr.alone{color:var(--soft)}
tr.truth th,tr.stranger th,tr.alone th{font-weight:400}
.better{color:var(--good)}.worse{color:var(--bad)}.open{color:var(--soft)}
.strip{display:grid;grid-template-columns:repeat(var(--n),minmax(0,1fr));gap:6px;margin-top:1em;
max-width:calc(var(--n)*150px)}
@media(max-width:640px){.strip{grid-template-columns:repeat(auto-fill,minmax(80px,1fr))}}
.strip figure{margin:0}
.strip img{width:100%;display:block;image-rendering:auto;border-radius:3px}
figcaption,.caption{font-size:.72rem;color:var(--soft);overflow-wrap:anywhere;line-height:1.25}
.caption{margin:.2em 0 0}
.wide{max-width:100%;min-width:700px;background:#fff;border-radius:3px}
pre{overflow-x:auto;font-size:.8rem;background:var(--mark);padding:.8em;border-radius:4px}
details{margin:1em 0}summary{cursor:pointer;font-weight:600}
"""
