"""How the page looks: narrow and wide, light and dark, on paper."""

CSS = """\
:root {
  color-scheme: light dark;
  --paper: #fbfaf8; --card: #ffffff; --ink: #1f2328; --faint: #5f6770;
  --line: #e2e0da; --first: #2563a8; --second: #c2570c; --notice: #fff4dd;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181c; --card: #1e2227; --ink: #e8e6e1; --faint: #a3abb4;
    --line: #363c44; --first: #76b0f1; --second: #f2995c; --notice: #3a2f18;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere;
}
h1 { font-size: 2rem; line-height: 1.2; margin: 0; letter-spacing: -.015em; }
h2 { font-size: 1.25rem; margin: 0 0 .75rem; letter-spacing: -.01em; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: 0 0 .75rem; max-width: 44rem; }
header p { color: var(--faint); margin: .35rem 0 0; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  margin-top: 1.25rem; padding: 1.5rem;
}
section > :last-child { margin-bottom: 0; }
.small, caption { color: var(--faint); font-size: .8125rem; line-height: 1.45; }
.figure {
  font-size: 2.75rem; font-weight: 650; line-height: 1.1; letter-spacing: -.03em;
  color: var(--first); font-variant-numeric: tabular-nums;
}
.notice {
  background: var(--notice); border-radius: .5rem; padding: .75rem 1rem;
  max-width: none; margin-bottom: 1rem;
}
.notice p, .notice ul { margin: 0; }
.headline { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: center; }
.headline p { margin: 0; }
.interval {
  position: relative; height: .625rem; margin: 1.25rem 0 .25rem;
  border-radius: 1rem; background: var(--line);
}
.interval span, .interval i { position: absolute; top: 0; bottom: 0; }
.interval span {
  left: calc(var(--low) * 100%); right: calc((1 - var(--high)) * 100%);
  background: var(--first); opacity: .45; border-radius: 1rem;
}
.interval i {
  left: calc(var(--value) * 100% - 1.5px); width: 3px; top: -.25rem; bottom: -.25rem;
  background: var(--first); border-radius: 2px;
}
.scale {
  display: flex; justify-content: space-between; margin-bottom: 1rem;
  color: var(--faint); font-size: .75rem;
}
.classes {
  list-style: none; margin: 0; padding: 0; display: grid; gap: 1.25rem 2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr));
}
.classes h3 { display: inline; margin: 0 .5rem 0 0; }
.classes p { display: inline; color: var(--faint); font-size: .875rem; }
.bar { height: .25rem; margin: .35rem 0 .5rem; }
.bar::before {
  content: ""; display: block; height: 100%; width: calc(var(--share) * 100%);
  background: var(--first); border-radius: 1rem;
}
.strip { display: grid; grid-template-columns: repeat(6, 1fr); gap: .25rem; }
.strip img {
  width: 100%; height: auto; aspect-ratio: 1; object-fit: cover; border-radius: .25rem;
}
.charts, .beside {
  display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
}
figure { margin: 0; }
.chart svg { display: block; width: 100%; height: auto; max-width: 30rem; }
.chart text { font-family: inherit !important; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; white-space: nowrap; padding-bottom: .35rem; }
td { white-space: nowrap; }
th, td { padding: .4rem .75rem; border-bottom: 1px solid var(--line); }
th { font-weight: 600; text-align: left; overflow-wrap: normal; }
thead th { color: var(--faint); font-size: .8125rem; vertical-align: bottom; }
th:first-child { padding-left: 0; }
.number { text-align: right; }
.scores { min-width: min(100%, 34rem); }
.scores tbody tr:last-child > * { border-bottom: 0; color: var(--faint); }
.matrix td {
  text-align: center; min-width: 3.25rem; border: 2px solid var(--card);
  border-radius: .35rem;
}
.matrix th { border-bottom: 0; }
.matrix thead .number { text-align: center; }
.matrix .right { --tint: var(--first); }
.matrix .wrong { --tint: var(--second); }
.matrix td {
  background: color-mix(in srgb, var(--tint) calc(var(--share) * 55%), transparent);
}
.upright thead th:not(:first-child) span {
  writing-mode: vertical-rl; transform: rotate(180deg); text-align: left;
  max-height: 10rem; overflow: hidden;
}
.mistakes {
  display: grid; gap: 1.25rem 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(45%, 11rem), 1fr));
}
.frame {
  aspect-ratio: 1; background: var(--paper); border-radius: .5rem; overflow: hidden;
  display: grid; place-items: center;
}
.frame img { width: 100%; height: 100%; object-fit: contain; }
.unreadable { padding: 1rem; color: var(--faint); font-size: .8125rem; }
figcaption { font-size: .875rem; line-height: 1.4; margin-top: .4rem; }
.predicted strong { color: var(--second); }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--faint); margin-bottom: .5rem; }
.facts { columns: 2 22rem; column-gap: 3rem; }
.facts > div { break-inside: avoid; padding-bottom: 1rem; }
.facts h3 { margin-top: 0; }
dl { margin: 0; }
dl div {
  display: grid; grid-template-columns: 10rem 1fr; gap: .25rem 1rem;
  padding: .3rem 0; border-bottom: 1px solid var(--line);
}
dl div:last-child { border-bottom: 0; }
dt { color: var(--faint); }
dd { margin: 0; }
code, pre { font: .8125rem/1.6 ui-monospace, Menlo, Consolas, monospace; }
pre {
  background: var(--paper); border-radius: .5rem; padding: 1rem; overflow-x: auto;
  margin: 0 0 1rem;
}
@media (max-width: 34rem) {
  body { padding: 1.25rem .75rem 3rem; }
  h1 { font-size: 1.5rem; }
  section { padding: 1rem; }
  table { font-size: .875rem; }
  th, td { padding: .35rem .4rem; }
  dl div { grid-template-columns: 8.5rem 1fr; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #ffffff; --card: #ffffff; --ink: #000000; --faint: #444444;
    --line: #cccccc; --first: #2563a8; --second: #b04a00; --notice: #f3f3f3;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  @page { margin: 15mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; }
  section { padding: 1rem 0; margin-top: .5rem; }
  h2, h3 { break-after: avoid; }
  .mistakes { grid-template-columns: repeat(4, 1fr); }
  .facts { columns: 2; }
  dl div { grid-template-columns: 8rem 1fr; }
  #curves, figure, .classes li, tr, dl div, pre { break-inside: avoid; }
  .scroll, pre { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  pre { white-space: pre-wrap; }
}
"""
