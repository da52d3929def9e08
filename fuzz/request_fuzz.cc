// The model server's routes refuse or accept any request: a line "METHOD PATH", perhaps with the
// length of the JSON in the body, then the body.
// Each path is tried with a model of every task; refusals are 4xx in the one form.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "inference/routes.h"

namespace {

using thaw::encoder::Task;

constexpr Task kTasks[] = {Task::kQuestionAnswering, Task::kTextClassification,
                           Task::kTokenClassification, Task::kEmbedding, Task::kFillMask};

void check_answer(const thaw::http::Response& response) {
  const bool is_refused = response.status >= 400 && response.status < 500;
  CHECK(response.status == 200 || response.status == 503 || is_refused, "no other status");
  if (!is_refused) return;
  const auto json = thaw::Json::parse(response.body);
  CHECK(json, "an error is JSON");
  CHECK((*json)["error"].int_or("code", 0) == response.status, "an error has its status");
  CHECK(!(*json)["error"].string_or("message").empty(), "a refusal says why");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), text.size());
  const size_t space = std::min(text.find(' '), line);
  http::Request request;
  request.method = text.substr(0, space);
  request.path = text.substr(std::min(space + 1, line), line - std::min(space + 1, line));
  if (const size_t second = request.path.find(' '); second != std::string::npos) {
    request.headers.add("inference-header-content-length", request.path.substr(second + 1));
    request.path.resize(second);
  }
  request.target = request.path;
  request.body = text.substr(std::min(line + 1, text.size()));
  for (const Task task : kTasks) {
    std::vector<inference::Served> models;
    models.push_back({{"m", "/nonexistent", {.task = task}}, nullptr});
    const inference::Routed routed = inference::route(request, models);
    if (const auto* response = std::get_if<http::Response>(&routed.answer)) {
      check_answer(*response);
      continue;
    }
    const auto work = std::get<inference::ReadWork>(routed.answer)();
    if (!work) {
      check_answer(inference::failure(work.error()));
      continue;
    }
    CHECK(work->model == 0 && work->tokens > 0, "work is for a model that is there");
    CHECK(work->task && !work->task->inputs.empty() && work->finish, "work can be done");
  }
  return 0;
}
