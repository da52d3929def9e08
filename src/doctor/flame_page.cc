// The page is drawn by its own script from a tree in JSON; nothing is loaded from elsewhere.
#include <fmt/format.h>

#include "base/json.h"
#include "doctor/import_times.h"

namespace thaw::doctor {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE@</title>
<style>
:root { color-scheme: light dark; --ink: #1c2126; --paper: #fbfaf7; --line: #d8d4ca;
  --faint: #666b72; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e6e1; --paper: #17191c; --line: #3a3d42; --faint: #9a9fa6; }
}
body { margin: 0; padding: 24px; font: 15px/1.5 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
h1 { font-size: 20px; margin: 0 0 4px; }
p { margin: 0 0 16px; color: var(--faint); max-width: 70ch; }
.bar { display: flex; gap: 12px; align-items: center; flex-wrap: wrap; margin-bottom: 12px; }
input, button { font: inherit; color: inherit; background: transparent; padding: 5px 10px;
  border: 1px solid var(--line); border-radius: 6px; }
button:disabled { opacity: .4; }
#path { min-height: 24px; font-variant-numeric: tabular-nums; }
#graph { position: relative; overflow: hidden; margin-bottom: 28px; }
#graph button { position: absolute; box-sizing: border-box; height: 21px; padding: 0;
  border: 0 solid var(--paper); border-right-width: 1px;
  border-radius: 3px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis;
  text-align: left; font: 12px/19px ui-monospace, monospace; color: #201a12; cursor: pointer; }
#graph button.miss { opacity: .25; }
#graph button:focus-visible { outline: 2px solid var(--ink); z-index: 1; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%;
  max-width: 860px; }
th, td { text-align: right; padding: 4px 10px; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
td:first-child { font: 13px ui-monospace, monospace; }
th { font-weight: 600; }
</style></head><body>
<h1>@TITLE@</h1>
<p id="summary"></p>
<div class="bar">
<input id="find" type="search" placeholder="find a module" aria-label="find a module">
<button id="back" type="button" disabled>Show all</button><span id="path"></span></div>
<div id="graph" role="group" aria-label="import time by module"></div>
<table><thead><tr><th>module</th><th>own time</th><th>with what it imports</th><th>share</th></tr>
</thead><tbody id="rows"></tbody></table>
<script id="data" type="application/json">)";

constexpr std::string_view kTail = R"(</script>
<script>
"use strict";
const root = JSON.parse(document.getElementById("data").textContent);
const graph = document.getElementById("graph"), path = document.getElementById("path");
const find = document.getElementById("find"), back = document.getElementById("back");
const row = 22;
let shown = root;
function span(us) {
  if (us >= 1e6) return (us / 1e6).toFixed(2) + " s";
  return us >= 1e3 ? (us / 1e3).toFixed(1) + " ms" : us + " \u00b5s";
}
const all = [];
(function walk(node) { all.push(node); node.c.forEach(walk); })(root);
function colour(node) {
  const share = node.t ? node.s / node.t : 0;
  return `hsl(${44 - 30 * share} ${60 + 25 * share}% ${74 - 12 * share}%)`;
}
function draw() {
  graph.textContent = "";
  let deepest = 0;
  const width = graph.clientWidth, word = find.value.trim().toLowerCase();
  function put(node, left, depth, scale) {
    const wide = node.t * scale;
    if (wide < 1) return;
    deepest = Math.max(deepest, depth);
    const box = document.createElement("button");
    box.type = "button";
    box.style.left = left + "px";
    box.style.top = depth * row + "px";
    box.style.width = wide + "px";
    box.style.background = colour(node);
    if (wide > 30) {
      box.textContent = node.n;
      box.style.padding = "0 5px";
    }
    box.title = `${node.n}\n${span(node.t)} in all, ${span(node.s)} of it its own`;
    box.setAttribute("aria-label", `${node.n}, ${span(node.t)}`);
    if (word && !node.n.toLowerCase().includes(word)) box.classList.add("miss");
    box.onmouseenter = box.onfocus = () => {
      path.textContent = `${node.n}: ${span(node.t)}, own ${span(node.s)}`;
    };
    box.onclick = () => { shown = node; draw(); };
    graph.append(box);
    let at = left;
    for (const child of node.c) { put(child, at, depth + 1, scale); at += child.t * scale; }
  }
  put(shown, 0, 0, width / Math.max(1, shown.t));
  graph.style.height = (deepest + 1) * row + "px";
  back.disabled = shown === root;
}
back.onclick = () => { shown = root; draw(); };
find.oninput = draw;
addEventListener("resize", draw);
document.getElementById("summary").textContent =
  `${span(root.t)} in ${all.length - 1} modules. A box is a module, as wide as its import took; ` +
  "below it is what it imported. The redder, the more of the time is its own. Click a box to go " +
  "into it.";
for (const node of all.slice(1).sort((a, b) => b.s - a.s).slice(0, 40)) {
  const line = document.createElement("tr");
  const share = (100 * node.s / Math.max(1, root.t)).toFixed(1) + " %";
  for (const text of [node.n, span(node.s), span(node.t), share]) {
    line.append(Object.assign(document.createElement("td"), {textContent: text}));
  }
  document.getElementById("rows").append(line);
}
draw();
</script></body></html>
)";

int64_t micros(Duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

Json tree_json(const ImportNode& node) {
  Json children = Json::array();
  for (const ImportNode& child : node.children) children.push_back(tree_json(child));
  return Json::object({{"n", node.name},
                       {"s", micros(node.self)},
                       {"t", micros(node.total)},
                       {"c", std::move(children)}});
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

/// "</script>" in a module's name must not end the data.
std::string inside_script(std::string text) {
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at)) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

}  // namespace

std::string flame_page(const std::vector<ImportedModule>& modules, std::string_view title) {
  std::string page(kHead);
  const std::string safe = escaped(title);
  for (size_t at = page.find("@TITLE@"); at != std::string::npos; at = page.find("@TITLE@", at)) {
    page.replace(at, 7, safe);
    at += safe.size();
  }
  page += inside_script(tree_json(import_tree(modules)).dump());
  page += kTail;
  return page;
}

}  // namespace thaw::doctor
