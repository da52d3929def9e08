#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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

Result<TaskAnswer> answer_questions(const Model& model, const TaskRequest& request,
                                    const IsWanted& is_wanted) {
  encoder::QuestionOptions options = request.question;
  options.top_k = request.top_k.value_or(1) < 0 ? 10'000 : request.top_k.value_or(1);
  std::vector<std::vector<tokenize::Encoding>> windows;
  std::vector<tokenize::Encoding> all;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    auto own =
        encoder::question_windows(model, request.inputs[i].text, *request.inputs[i].pair, options);
    if (!own) {
      return request.form == Form::kList
                 ? std::move(own).error().with_context(fmt::format("inputs[{}]", i))
                 : own.error();
    }
    if (all.size() + own->size() > encoder::kMostWindows) {
      return Error(Code::kInvalidArgument,
                   fmt::format("inputs: the contexts need more than {} windows together: send "
                               "fewer, or choose a smaller doc_stride",
                               encoder::kMostWindows));
    }
    all.insert(all.end(), own->begin(), own->end());
    windows.push_back(*std::move(own));
  }
  ASSIGN_OR_RETURN(const std::vector<encoder::SpanLogits> logits, logits_of(model, all, is_wanted));
  Json::Array items;
  size_t at = 0;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (!is_wanted()) return gave_up();
    const std::vector<encoder::SpanLogits> own(
        logits.begin() + static_cast<ptrdiff_t>(at),
        logits.begin() + static_cast<ptrdiff_t>(at + windows[i].size()));
    at += windows[i].size();
    const auto answers = encoder::choose_answers(windows[i], own, *request.inputs[i].pair, options);
    Json::Array list;
    for (const encoder::Answer& each : answers) list.push_back(answer_json(each));
    if (list.size() == 1) {
      items.push_back(std::move(list.front()));
    } else {
      items.emplace_back(std::move(list));
    }
  }
  return TaskAnswer{std::move(items), std::vector<char>(windows.size(), 0)};
}

Result<TaskAnswer> classify(const Model& model, const TaskRequest& request) {
  TaskAnswer answered;
  Json::Array items;
  std::vector<std::vector<float>> logits;
  // Together where all fit, one by one where some must be cut and counted.
  auto together =
      encoder::classify_logits(model, request.inputs, Model::TooLong::kRefuse, request.limits);
  if (together) {
    logits = *std::move(together);
    answered.was_cut.assign(logits.size(), 0);
  } else {
    for (const encoder::TextInput& input : request.inputs) {
      auto one = run_cutting(request.too_long, answered.was_cut, [&](Model::TooLong how) {
        return encoder::classify_logits(model, std::span(&input, 1), how, request.limits);
      });
      if (!one) return one.error();
      logits.push_back(std::move(one->front()));
    }
  }
  for (const std::vector<float>& row : logits) {
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
  std::vector<std::string> texts;
  for (const encoder::TextInput& input : request.inputs) texts.push_back(input.text);
  ASSIGN_OR_RETURN(Embedded embedded, embed_texts(model, texts, request.too_long,
                                                  encoder::Scale::kByFolder, is_wanted));
  TaskAnswer answered{{}, std::move(embedded.was_cut)};
  for (const auto& vector : embedded.vectors) answered.items.push_back(vector_json(vector));
  return answered;
}

}  // namespace

Json vector_json(const std::vector<float>& vector) {
  Json::Array numbers;
  numbers.reserve(vector.size());
  for (const float number : vector) numbers.emplace_back(static_cast<double>(number));
  return numbers;
}

Result<Embedded> embed_texts(const Model& model, const std::vector<std::string>& texts,
                             Long too_long, encoder::Scale scale, const IsWanted& is_wanted) {
  Embedded embedded;
  for (size_t at = 0; at < texts.size(); at += kSlice) {
    if (!is_wanted()) return gave_up();
    std::vector<tokenize::Encoding> slice;
    for (size_t i = at; i < std::min(at + kSlice, texts.size()); ++i) {
      auto encoded = run_cutting(too_long, embedded.was_cut, [&](Model::TooLong how) {
        return encoder::encode_sentence(model, texts[i], how);
      });
      if (!encoded) return encoded.error();
      embedded.tokens += static_cast<int64_t>(encoded->items.size());
      slice.push_back(*std::move(encoded));
    }
    auto vectors = encoder::embed(model, slice, scale);
    std::move(vectors.begin(), vectors.end(), std::back_inserter(embedded.vectors));
  }
  return embedded;
}

Result<std::vector<double>> rerank(const Model& model, const std::string& query,
                                   const std::vector<std::string>& texts, Scores scores,
                                   Long too_long, const IsWanted& is_wanted) {
  const auto how = too_long == Long::kRefuse ? Model::TooLong::kRefuse : Model::TooLong::kCut;
  std::vector<double> all;
  for (size_t at = 0; at < texts.size(); at += kSlice) {
    if (!is_wanted()) return gave_up();
    std::vector<encoder::TextInput> inputs;
    for (size_t i = at; i < std::min(at + kSlice, texts.size()); ++i) {
      inputs.push_back({query, texts[i]});
    }
    ASSIGN_OR_RETURN(const auto logits, encoder::classify_logits(model, inputs, how));
    for (const auto& row : logits) {
      const double logit = row[0];
      all.push_back(scores == Scores::kRaw ? logit : 1 / (1 + std::exp(-logit)));
    }
  }
  return all;
}

Json shape(Task task, const TaskRequest& request, Json::Array items) {
  if (request.form == Form::kList) return items;
  // A text's classes are a list of one, unless top_k makes a list of them anyway.
  const bool is_wrapped =
      task == Task::kTextClassification && request.form == Form::kText && !request.top_k;
  if (is_wrapped) return items;
  return std::move(items.front());
}

Error gave_up() { return {Code::kCancelled, "the caller has gone"}; }

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
