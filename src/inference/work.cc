#include "inference/work.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace thaw::inference {
namespace {

bool is_wanted(const Work* work) { return !work->wanted || work->wanted->load(); }

http::Response run_one(const encoder::Model& model, const Work& work) {
  if (!is_wanted(&work)) return failure(gave_up());
  const auto wanted = [&] { return is_wanted(&work); };
  if (!work.task) return work.run(model, wanted);
  const auto answered = answer(model, *work.task, wanted);
  return answered ? work.finish(model, *answered) : failure(answered.error());
}

/// The part of `whole` that belongs to `count` inputs from `at` on.
TaskAnswer part_of(const TaskAnswer& whole, size_t at, size_t count) {
  const auto from = static_cast<ptrdiff_t>(at), to = static_cast<ptrdiff_t>(at + count);
  return {{whole.items.begin() + from, whole.items.begin() + to},
          {whole.was_cut.begin() + from, whole.was_cut.begin() + to}};
}

}  // namespace

http::Response ok(const Json& body) { return http::Response::json(200, body.dump() + "\n"); }

http::Response failure(int status, std::string_view name, std::string_view message) {
  const Json error = Json::object({{"code", status}, {"message", message}, {"status", name}});
  return http::Response::json(status, Json::object({{"error", error}}).dump() + "\n");
}

http::Response failure(const Error& error) {
  return failure(http_status(error.code()), code_name(error.code()), error.message());
}

std::vector<http::Response> run_batch(const encoder::Model& model,
                                      const std::vector<const Work*>& batch) {
  const bool together =
      batch.size() > 1 && std::all_of(batch.begin(), batch.end(), [&](const Work* work) {
        return batch[0]->task && work->task && work->task->options() == batch[0]->task->options();
      });
  std::vector<http::Response> answers;
  if (together) {
    TaskRequest all = *batch[0]->task;
    all.form = Form::kList;
    for (size_t i = 1; i < batch.size(); ++i) {
      const auto& inputs = batch[i]->task->inputs;
      all.inputs.insert(all.inputs.end(), inputs.begin(), inputs.end());
    }
    const auto anyone = [&] { return std::any_of(batch.begin(), batch.end(), is_wanted); };
    if (const auto answered = answer(model, all, anyone)) {
      size_t at = 0;
      for (const Work* work : batch) {
        const size_t count = work->task->inputs.size();
        answers.push_back(work->finish(model, part_of(*answered, at, count)));
        at += count;
      }
      return answers;
    }
  }
  for (const Work* work : batch) answers.push_back(run_one(model, *work));
  return answers;
}

}  // namespace thaw::inference
