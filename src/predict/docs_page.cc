#include "predict/docs.h"

namespace thaw::predict {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Thaw model server</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --text: #1c2530; --back: #fff; --panel: #f2f5f8; --line: #9aa7b4;
        --accent: #0b5cad; --fault: #a8201a; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6ebf0; --back: #14191f; --panel: #1f262e; --line: #5b6874; --accent: #7db7f0;
          --fault: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 1.5rem auto;
       padding: 0 1rem; color: var(--text); background: var(--back); }
h1 { font-size: 1.4rem; margin-bottom: 0; } p { margin-top: .2rem; } a { color: var(--accent); }
label { display: block; margin: 1rem 0 .3rem; font-weight: 600; }
select, textarea, input, button { font: inherit; padding: .5rem; border: 1px solid var(--line);
                                  border-radius: 6px; color: inherit; background: var(--back); }
select, textarea, input { width: 100%; box-sizing: border-box; }
textarea, input { font-family: ui-monospace, monospace; font-size: .9rem; }
textarea { min-height: 9rem; resize: vertical; }
button { background: #0b5cad; color: #fff; border-color: #0b5cad; margin-top: .8rem;
         padding: .5rem 1.2rem; cursor: pointer; }
button:disabled { opacity: .6; cursor: wait; }
:is(button, select, textarea, input, a):focus-visible { outline: 3px solid #f0a500; }
pre { background: var(--panel); padding: .8rem 1rem; border-radius: 6px; overflow: auto;
      font-size: .85rem; line-height: 1.25; max-height: 32rem; margin: .3rem 0; }
#status { font-weight: 600; min-height: 1.5em; margin: .8rem 0 0; }
#status.fault { color: var(--fault); }
details { margin-top: 1rem; }
</style></head><body>
<h1>Try a model</h1>
<p>Everything that can be called is in the <a href="openapi.json">OpenAPI document</a>.</p>
<form id="form"><label for="path">Call</label><select id="path"></select>
<div id="with-query"><label for="query">Options (the query)</label>
<input id="query" spellcheck="false" autocomplete="off"></div>
<label for="body">Body <span id="type"></span></label>
<textarea id="body" spellcheck="false"></textarea>
<button id="send">Send</button></form>
<p id="status" role="status"></p>
<pre id="answer" tabindex="0" hidden></pre>
<details><summary>The same with curl</summary><pre id="curl"></pre></details>
<script>
const $ = id => document.getElementById(id);
const calls = [];
const say = (text, fault) => { $('status').textContent = text;
                               $('status').className = fault ? 'fault' : ''; };
const chosen = () => calls[$('path').value];
const target = () => chosen().path.slice(1) + ($('query').value ? '?' + $('query').value : '');
const headers = () => chosen().accept ? {'content-type': chosen().type, accept: chosen().accept}
                                      : {'content-type': chosen().type};
function showCurl() {
  const quoted = text => "'" + text.replaceAll("'", "'\\''") + "'";
  const words = Object.entries(headers()).map(pair => ' -H ' + quoted(pair.join(': ')));
  $('curl').textContent = 'curl ' + quoted(new URL(target(), location.href).href) + words.join('') +
                          ' \\\n  --data-binary ' + quoted($('body').value);
}
function choose() {
  const example = chosen().example;
  $('body').value = typeof example === 'string' ? example : JSON.stringify(example, null, 2);
  $('with-query').hidden = chosen().query === undefined;
  $('query').value = chosen().query || '';
  $('type').textContent = '(' + chosen().type + ')';
  showCurl();
}
fetch('openapi.json').then(reply => reply.json()).then(api => {
  for (const [path, operations] of Object.entries(api.paths)) {
    const content = operations.post && operations.post.requestBody &&
                    operations.post.requestBody.content;
    for (const [type, media] of Object.entries(content || {})) {
      if (media.example === undefined) continue;
      const query = operations.post.parameters && (operations.post['x-example-query'] || '');
      $('path').add(new Option(path + ' - ' + operations.post.summary +
                               (type === 'application/json' ? '' : ', ' + type), calls.length));
      calls.push({path, type, query, example: media.example, accept: media['x-accept']});
    }
  }
  if (calls.length) choose();
}).catch(error => say('openapi.json could not be read: ' + error.message, true));
$('path').addEventListener('change', choose);
$('query').addEventListener('input', showCurl);
$('body').addEventListener('input', showCurl);
$('body').addEventListener('keydown', event => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) $('form').requestSubmit();
});
$('form').addEventListener('submit', async event => {
  event.preventDefault();
  if (!calls.length) return;
  $('send').disabled = true;
  say('Waiting for the answer...');
  const began = performance.now();
  try {
    const reply = await fetch(target(), {method: 'POST', body: $('body').value,
                                         headers: headers()});
    const text = await reply.text();
    const took = Math.round(performance.now() - began);
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch (error) { }
    $('answer').textContent = shown;
    $('answer').hidden = false;
    say(reply.status + (reply.ok ? ' OK' : ' ' + reply.statusText) + ', ' + took + ' ms',
        !reply.ok);
  } catch (error) {
    say('No answer: ' + error.message, true);
  }
  $('send').disabled = false;
});
</script></body></html>
)";

}  // namespace

http::Response docs_page() {
  http::Response page{200, {{"content-type", "text/html; charset=utf-8"}}, std::string(kPage)};
  page.headers.add("content-security-policy",
                   "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                   "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                   "frame-ancestors 'self'");
  return page;
}

}  // namespace thaw::predict
