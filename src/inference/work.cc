#include "inference/work.h"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

namespace thaw::inference {
namespace {

bool is_wanted(const Work* work) { return !work->wanted || work->wanted->load(); }

http::Response run_one(const encoder::Model& model, const Work& work) {
  if (!is_wanted(&work)) return failure(gave_up());
  const auto wanted = [&] { return is_wanted(&work); };
  auto answered = answer(model, *work.task, wanted);
  if (answered) return work.finish(model, *std::move(answered));
  return work.fault ? work.fault(answered.error()) : failure(answered.error());
}

/// The part of `whole` that belongs to `count` inputs from `at` on, taken out of it.
TaskAnswer part_of(TaskAnswer& whole, size_t at, size_t count) {
  const auto part = [&](auto& list) {
    if (list.empty()) return std::remove_reference_t<decltype(list)>();
    const auto from = list.begin() + static_cast<ptrdiff_t>(at);
    const auto to = from + static_cast<ptrdiff_t>(count);
    return std::remove_reference_t<decltype(list)>(std::make_move_iterator(from),
                                                   std::make_move_iterator(to));
  };
  return {part(whole.items), part(whole.was_cut), part(whole.vectors), part(whole.tokens)};
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

namespace {

/// Whether requests of the task gain by going through the model together.
bool gains_together(encoder::Task task) {
  return task == encoder::Task::kQuestionAnswering || task == encoder::Task::kTextClassification ||
         task == encoder::Task::kEmbedding;
}

}  // namespace

std::vector<std::vector<size_t>> groups_of(const std::vector<const Work*>& batch,
                                           encoder::Task task) {
  std::vector<std::vector<size_t>> groups;
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto fits = [&](const std::vector<size_t>& group) {
      const Work& first = *batch[group.front()];
      return first.task->options() == batch[i]->task->options();
    };
    const auto found = gains_together(task) ? std::ranges::find_if(groups, fits) : groups.end();
    found != groups.end() ? found->push_back(i) : groups.push_back({i});
  }
  return groups;
}

namespace {

/// The answers of all as one request; none when it has a fault.
std::vector<http::Response> run_together(const encoder::Model& model,
                                         const std::vector<const Work*>& works) {
  TaskRequest all = *works[0]->task;
  all.form = Form::kList;
  for (size_t i = 1; i < works.size(); ++i) {
    const auto& inputs = works[i]->task->inputs;
    all.inputs.insert(all.inputs.end(), inputs.begin(), inputs.end());
  }
  const auto anyone = [&] { return std::ranges::any_of(works, is_wanted); };
  auto answered = answer(model, all, anyone);
  std::vector<http::Response> answers;
  if (!answered) return answers;
  size_t at = 0;
  for (const Work* work : works) {
    const size_t count = work->task->inputs.size();
    answers.push_back(work->finish(model, part_of(*answered, at, count)));
    at += count;
  }
  return answers;
}

}  // namespace

std::vector<http::Response> run_batch(const encoder::Model& model,
                                      const std::vector<const Work*>& batch) {
  std::vector<http::Response> answers(batch.size());
  for (std::vector<size_t>& group : groups_of(batch, model.task())) {
    std::vector<const Work*> works;
    std::vector<http::Response> together;
    const auto gather = [&] {
      works.clear();
      for (const size_t i : group) works.push_back(batch[i]);
      if (works.size() > 1) together = run_together(model, works);
      return works.size() == 1 || !together.empty();
    };
    if (!gather()) {
      // Whose fault it is is told without the model's work; the others go on together.
      std::erase_if(group, [&](size_t i) {
        const bool is_at_fault = !is_wanted(batch[i]) || !check(model, *batch[i]->task);
        if (is_at_fault) answers[i] = run_one(model, *batch[i]);
        return is_at_fault;
      });
      if (!group.empty()) gather();
    }
    for (size_t k = 0; k < group.size(); ++k) {
      answers[group[k]] = together.empty() ? run_one(model, *works[k]) : std::move(together[k]);
    }
  }
  return answers;
}

}  // namespace thaw::inference
