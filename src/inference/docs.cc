// The OpenAPI document and the page to try a model in a browser.
#include <fmt/format.h>

#include "inference/routes.h"

namespace thaw::inference {
namespace {

using encoder::Task;

/// An example body of /predict.
std::string example_of(Task task) {
  switch (task) {
    case Task::kQuestionAnswering:
      return R"({"question": "Who wrote it?", "context": "The report was written by Ada."})";
    case Task::kFillMask:
      return R"({"inputs": "The [MASK] is open."})";
    default:
      return R"({"inputs": "The museum is wonderful."})";
  }
}

Json operation(const std::string& summary, const std::string& example) {
  Json json = Json::object({{"summary", summary}});
  if (!example.empty()) {
    const auto parsed = Json::parse(example);
    json.set(
        "requestBody",
        Json::object({{"required", true},
                      {"content",
                       Json::object({{"application/json",
                                      Json::object({{"schema", Json::object({{"type", "object"}})},
                                                    {"example", parsed ? *parsed : Json()}})}})}}));
  }
  json.set("responses",
           Json::object({{"200", Json::object({{"description", "the answer"}})},
                         {"400", Json::object({{"description", "a fault in a field, named"}})},
                         {"429", Json::object({{"description", "too many requests wait"}})}}));
  return json;
}

}  // namespace

std::string openapi(const std::vector<Served>& models) {
  const auto first = task_of(models.front());
  const Task task = first ? *first : Task::kEmbedding;
  Json paths = Json::object();
  const auto post = [&](const std::string& path, const std::string& what,
                        const std::string& example) {
    paths.set(path, Json::object({{"post", operation(what, example)}}));
  };
  const auto get = [&](const std::string& path, const std::string& what) {
    paths.set(path, Json::object({{"get", operation(what, "")}}));
  };
  if (models.size() == 1) {
    post("/predict", std::string(encoder::task_name(task)), example_of(task));
  }
  for (const Served& each : models) {
    const auto own = task_of(each);
    if (!own) continue;
    post(fmt::format("/models/{}/predict", each.spec.name), std::string(encoder::task_name(*own)),
         example_of(*own));
    post(fmt::format("/v2/models/{}/infer", each.spec.name), "Open Inference Protocol v2", "");
  }
  if (task == Task::kEmbedding) {
    post("/embed", "a vector for each text", R"({"inputs": ["one", "two"]})");
    post("/v1/embeddings", "the same in OpenAI's form", R"({"input": "one", "model": "any"})");
  }
  if (task == Task::kTextClassification) {
    post("/rerank", "texts by how well they fit a query",
         R"({"query": "harbour", "texts": ["the port", "a tree"]})");
  }
  get("/health", "200 while the server runs");
  get("/ready", "200 once the models are loaded");
  get("/metrics", "counters for Prometheus");
  return Json::object({{"openapi", "3.0.3"},
                       {"info", Json::object({{"title", "Thaw model server"}, {"version", "1"}})},
                       {"paths", std::move(paths)}})
             .dump(Json::Style::kIndented) +
         "\n";
}

std::string docs_page() {
  return R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Thaw model server</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2530; background: #fff; }
h1 { font-size: 1.4rem; } label { display: block; margin: 1rem 0 .3rem; font-weight: 600; }
select, textarea, button { font: inherit; padding: .5rem; border: 1px solid #9aa7b4;
                           border-radius: 6px; }
select, textarea { width: 100%; box-sizing: border-box; background: #fff; color: inherit; }
textarea { font-family: ui-monospace, monospace; font-size: .9rem; min-height: 9rem; }
button { background: #0b5cad; color: #fff; border-color: #0b5cad; margin-top: .8rem;
         padding: .5rem 1.2rem; cursor: pointer; }
button:focus-visible, select:focus-visible, textarea:focus-visible { outline: 3px solid #f0a500; }
pre { background: #f2f5f8; padding: 1rem; border-radius: 6px; overflow: auto; min-height: 3rem; }
@media (prefers-color-scheme: dark) {
  body, select, textarea { color: #e6ebf0; background: #14191f; } pre { background: #1f262e; } }
</style></head><body>
<h1>Try a model</h1>
<p>The <a href="openapi.json">OpenAPI document</a> lists every path.</p>
<form id="form"><label for="path">Path</label><select id="path"></select>
<label for="body">Body (JSON)</label><textarea id="body" spellcheck="false"></textarea>
<button>Send</button></form>
<label for="answer">Answer</label><pre id="answer" aria-live="polite"></pre>
<script>
const $ = id => document.getElementById(id);
let paths = {};
const show = () => { $('body').value = JSON.stringify(paths[$('path').value], null, 2); };
fetch('openapi.json').then(r => r.json()).then(api => {
  for (const [path, operations] of Object.entries(api.paths)) {
    const body = operations.post && operations.post.requestBody;
    if (!body) continue;
    paths[path] = body.content['application/json'].example;
    $('path').add(new Option(path + '  (' + operations.post.summary + ')', path));
  }
  show();
});
$('path').addEventListener('change', show);
$('form').addEventListener('submit', async event => {
  event.preventDefault();
  $('answer').textContent = '...';
  const began = performance.now();
  const reply = await fetch($('path').value.slice(1), {method: 'POST', body: $('body').value,
                            headers: {'content-type': 'application/json'}});
  const text = await reply.text();
  let shown = text;
  try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch (error) { }
  $('answer').textContent = reply.status + ' in ' + Math.round(performance.now() - began) +
                            ' ms\n' + shown;
});
</script></body></html>
)";
}

}  // namespace thaw::inference
