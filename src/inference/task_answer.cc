#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "encoder/embedding.h"
#include "encoder/fill_mask.h"
#include "inference/task.h"

namespace thaw::inference {
namespace {

using encoder::Model;
using encoder::Task;
using Long = TaskRequest::Long;

/// Calls run(kRefuse) and, when the input is too long and may be cut, run(kCut).
template <class Run>
auto run_cutting(Long too_long, std::vector<char>& was_cut, const Run& run)
    -> decltype(run(Model::TooLong())) {
  was_cut.push_back(0);
  auto first = run(Model::TooLong::kRefuse);
  if (first || too_long == Long::kRefuse || first.error().code() != Code::kInvalidArgument) {
    return first;
  }
  auto second = run(Model::TooLong::kCut);
  if (second) was_cut.back() = 1;
  return second;
}

Json answer_json(const encoder::Answer& answer) {
  return Json::object({{"score", answer.score},
                       {"start", answer.start},
                       {"end", answer.end},
                       {"answer", answer.text}});
}

/// All windows of all questions go through the model together, so many at a time as a slice has.
Result<std::vector<encoder::SpanLogits>> logits_of(const Model& model,
                                                   const std::vector<tokenize::Encoding>& windows,
                                                   const IsWanted& is_wanted) {
  if (windows.size() <= kSlice) return encoder::question_logits(model, windows);
  std::vector<encoder::SpanLogits> logits;
  for (size_t at = 0; at < windows.size(); at += kSlice) {
    if (!is_wanted()) return gave_up();
    const auto from = windows.begin() + static_cast<ptrdiff_t>(at);
    const auto count = static_cast<ptrdiff_t>(std::min(kSlice, windows.size() - at));
    auto some = encoder::question_logits(model, {from, from + count});
    std::move(some.begin(), some.end(), std::back_inserter(logits));
  }
  return logits;
}

encoder::QuestionOptions question_options(const TaskRequest& request) {
  encoder::QuestionOptions options = request.question;
  options.top_k = request.top_k.value_or(1) < 0 ? 10'000 : request.top_k.value_or(1);
  return options;
}

/// The windows of all questions, one after another, and how many each has.
struct Windows {
  std::vector<tokenize::Encoding> all;
  std::vector<size_t> counts;
};
Result<Windows> windows_of(const Model& model, const TaskRequest& request,
                           const IsWanted& is_wanted) {
  const encoder::QuestionOptions options = question_options(request);
  Windows windows;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (!is_wanted()) return gave_up();
    auto own =
        encoder::question_windows(model, request.inputs[i].text, *request.inputs[i].pair, options);
    if (!own) {
      return request.form == Form::kList
                 ? std::move(own).error().with_context(fmt::format("inputs[{}]", i))
                 : own.error();
    }
    if (windows.all.size() + own->size() > encoder::kMostWindows) {
      return Error(Code::kInvalidArgument,
                   fmt::format("inputs: the contexts need more than {} windows together: send "
                               "fewer, or choose a smaller doc_stride",
                               encoder::kMostWindows));
    }
    windows.counts.push_back(own->size());
    std::move(own->begin(), own->end(), std::back_inserter(windows.all));
  }
  return windows;
}

/// `count` of them from the iterator on, moved out of where they are.
template <class T>
std::vector<T> taken(typename std::vector<T>::iterator& from, size_t count) {
  const auto to = from + static_cast<ptrdiff_t>(count);
  std::vector<T> out(std::make_move_iterator(from), std::make_move_iterator(to));
  from = to;
  return out;
}

Result<TaskAnswer> answer_questions(const Model& model, const TaskRequest& request,
                                    const IsWanted& is_wanted) {
  const encoder::QuestionOptions options = question_options(request);
  ASSIGN_OR_RETURN(Windows windows, windows_of(model, request, is_wanted));
  ASSIGN_OR_RETURN(std::vector<encoder::SpanLogits> logits,
                   logits_of(model, windows.all, is_wanted));
  Json::Array items;
  auto window = windows.all.begin();
  auto logit = logits.begin();
  for (size_t i = 0; i < windows.counts.size(); ++i) {
    if (!is_wanted()) return gave_up();
    const auto own = taken<tokenize::Encoding>(window, windows.counts[i]);
    const auto answers =
        encoder::choose_answers(own, taken<encoder::SpanLogits>(logit, windows.counts[i]),
                                *request.inputs[i].pair, options);
    Json::Array list;
    for (const encoder::Answer& each : answers) list.push_back(answer_json(each));
    if (list.size() == 1) {
      items.push_back(std::move(list.front()));
    } else {
      items.emplace_back(std::move(list));
    }
  }
  return TaskAnswer{std::move(items), std::vector<char>(windows.counts.size(), 0)};
}

Result<tokenize::Encoding> encode(const Model& model, const TaskRequest& request,
                                  const encoder::TextInput& input, Model::TooLong how) {
  if (model.task() == Task::kEmbedding) return encoder::encode_sentence(model, input.text, how);
  return input.pair ? model.encode_pair(input.text, *input.pair, how, request.limits)
                    : model.encode(input.text, how, request.limits);
}

/// Which inputs are to be cut.
Result<std::vector<char>> cuts_of(const Model& model, const TaskRequest& request) {
  std::vector<char> cuts;
  for (const encoder::TextInput& input : request.inputs) {
    const auto encoded = run_cutting(request.too_long, cuts, [&](Model::TooLong how) {
      return encode(model, request, input, how);
    });
    if (!encoded) return encoded.error();
  }
  return cuts;
}

Result<TaskAnswer> classify(const Model& model, const TaskRequest& request) {
  TaskAnswer answered;
  Json::Array items;
  const auto run = [&](Model::TooLong how) {
    return encoder::classify_logits(model, request.inputs, how, request.limits);
  };
  auto logits = run(Model::TooLong::kRefuse);
  answered.was_cut.assign(request.inputs.size(), 0);
  if (!logits) {  // before the model's work: one is too long, or at fault
    ASSIGN_OR_RETURN(answered.was_cut, cuts_of(model, request));
    logits = run(Model::TooLong::kCut);
    if (!logits) return logits.error();
  }
  for (const std::vector<float>& row : *logits) {
    auto scores = encoder::score_labels(model.config(), row, request.function);
    const int most = request.top_k.value_or(1);
    if (most > 0 && scores.size() > static_cast<size_t>(most)) {
      scores.resize(static_cast<size_t>(most));
    }
    Json::Array labels;
    for (const auto& [label, score] : scores) {
      labels.push_back(Json::object({{"label", label}, {"score", score}}));
    }
    if (request.top_k) {
      items.emplace_back(std::move(labels));
    } else {
      items.push_back(std::move(labels.front()));
    }
  }
  answered.items = std::move(items);
  return answered;
}

Json entity_json(const encoder::Entity& entity, encoder::Aggregation aggregation) {
  Json json = Json::object();
  const bool single = aggregation == encoder::Aggregation::kNone;
  json.set(single ? "entity" : "entity_group", entity.label);
  json.set("score", entity.score);
  if (single) json.set("index", entity.index);
  json.set("word", entity.word);
  json.set("start", entity.start);
  json.set("end", entity.end);
  return json;
}

Result<TaskAnswer> find_entities(const Model& model, const TaskRequest& request,
                                 encoder::EntityWork& work) {
  TaskAnswer answered;
  Json::Array items;
  for (const encoder::TextInput& input : request.inputs) {
    const auto found = run_cutting(request.too_long, answered.was_cut, [&](Model::TooLong how) {
      encoder::EntityOptions options = request.entities;
      options.too_long = how;
      return encoder::find_entities(model, input.text, options, work);
    });
    if (!found) return found.error();
    Json::Array list;
    for (const encoder::Entity& entity : *found) {
      list.push_back(entity_json(entity, request.entities.aggregation));
    }
    items.emplace_back(std::move(list));
  }
  answered.items = std::move(items);
  return answered;
}

Result<TaskAnswer> fill_masks(const Model& model, const TaskRequest& request,
                              const IsWanted& is_wanted) {
  TaskAnswer answered;
  encoder::FillBudget budget;
  Json::Array items;
  constexpr int kUsual = 5;
  const int top_k = request.top_k.value_or(kUsual);
  ASSIGN_OR_RETURN(const auto candidates, encoder::fill_candidates(model, request.targets));
  for (const encoder::TextInput& input : request.inputs) {
    if (!is_wanted()) return gave_up();
    const auto found = run_cutting(request.too_long, answered.was_cut, [&](Model::TooLong how) {
      encoder::FillOptions options = {top_k < 0 ? 10'000 : top_k, how};
      return encoder::fill_masks(model, input.text, candidates, options, budget);
    });
    if (!found) return found.error();
    Json::Array masks;
    for (const auto& fillings : *found) {
      Json::Array list;
      for (const encoder::Filling& each : fillings) {
        list.push_back(Json::object({{"score", each.score},
                                     {"token", each.token},
                                     {"token_str", each.token_text},
                                     {"sequence", each.sequence}}));
      }
      masks.emplace_back(std::move(list));
    }
    if (masks.size() == 1) {
      items.push_back(std::move(masks.front()));
    } else {
      items.emplace_back(std::move(masks));
    }
  }
  answered.items = std::move(items);
  return answered;
}

Result<TaskAnswer> embed(const Model& model, const TaskRequest& request,
                         const IsWanted& is_wanted) {
  TaskAnswer answered;
  const auto& inputs = request.inputs;
  for (size_t at = 0; at < inputs.size(); at += kSlice) {
    if (!is_wanted()) return gave_up();
    std::vector<tokenize::Encoding> slice;
    for (size_t i = at; i < std::min(at + kSlice, inputs.size()); ++i) {
      auto encoded = run_cutting(request.too_long, answered.was_cut, [&](Model::TooLong how) {
        return encoder::encode_sentence(model, inputs[i].text, how);
      });
      if (!encoded) return encoded.error();
      answered.tokens.push_back(static_cast<int64_t>(encoded->items.size()));
      slice.push_back(*std::move(encoded));
    }
    auto vectors = encoder::embed(model, slice, request.scale);
    std::move(vectors.begin(), vectors.end(), std::back_inserter(answered.vectors));
  }
  return answered;
}

}  // namespace

Json shape(Task task, const TaskRequest& request, Json::Array items) {
  if (request.form == Form::kList) return items;
  // A text's classes are a list of one, unless top_k makes a list of them anyway.
  const bool is_wrapped =
      task == Task::kTextClassification && request.form == Form::kText && !request.top_k;
  if (is_wrapped) return items;
  return std::move(items.front());
}

Error gave_up() { return {Code::kCancelled, "the caller has gone"}; }

Status check(const Model& model, const TaskRequest& request) {
  if (model.task() == Task::kQuestionAnswering) {
    const auto windows = windows_of(model, request, [] { return true; });
    return windows ? Status() : Status(windows.error());
  }
  const auto cuts = cuts_of(model, request);
  return cuts ? Status() : Status(cuts.error());
}

namespace {

Result<TaskAnswer> answer_all(const Model& model, const TaskRequest& request,
                              encoder::EntityWork& work) {
  return model.task() == Task::kTextClassification ? classify(model, request)
                                                   : find_entities(model, request, work);
}

}  // namespace

Result<TaskAnswer> answer(const Model& model, const TaskRequest& request,
                          const IsWanted& is_wanted) {
  if (!is_wanted()) return gave_up();
  if (model.task() == Task::kQuestionAnswering) return answer_questions(model, request, is_wanted);
  if (model.task() == Task::kFillMask) return fill_masks(model, request, is_wanted);
  if (model.task() == Task::kEmbedding) return embed(model, request, is_wanted);
  encoder::EntityWork work = {.is_wanted = is_wanted};
  if (request.inputs.size() <= kSlice) return answer_all(model, request, work);
  TaskRequest options = request;
  options.inputs.clear();
  TaskAnswer answered;
  for (size_t at = 0; at < request.inputs.size(); at += kSlice) {
    if (!is_wanted()) return gave_up();
    TaskRequest slice = options;
    const auto from = request.inputs.begin() + static_cast<ptrdiff_t>(at);
    const size_t count = std::min(kSlice, request.inputs.size() - at);
    slice.inputs.assign(from, from + static_cast<ptrdiff_t>(count));
    ASSIGN_OR_RETURN(TaskAnswer some, answer_all(model, slice, work));
    std::move(some.items.begin(), some.items.end(), std::back_inserter(answered.items));
    answered.was_cut.insert(answered.was_cut.end(), some.was_cut.begin(), some.was_cut.end());
  }
  return answered;
}

}  // namespace thaw::inference
