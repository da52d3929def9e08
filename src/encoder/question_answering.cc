#include "encoder/question_answering.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "encoder/model.h"
#include "tokenize/unicode.h"

namespace thaw::encoder {
namespace {

Error wrong(std::string message) { return Error(Code::kInvalidArgument, std::move(message)); }

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// Probabilities of the tokens that may be in an answer; those of the others are zero.
std::vector<double> probabilities(const std::vector<float>& logits, const std::vector<bool>& may) {
  double largest = -INFINITY, sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (may[i]) largest = std::max<double>(largest, logits[i]);
  }
  std::vector<double> shares(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    if (may[i]) sum += shares[i] = std::exp(logits[i] - largest);
  }
  for (double& share : shares) share /= sum;
  return shares;
}

struct Span {
  double score;
  size_t start, end;  // tokens of the window
};

/// The best `count` spans of at most `longest` tokens, the best first.
std::vector<Span> best_spans(const std::vector<double>& start, const std::vector<double>& end,
                             size_t count, size_t longest) {
  const auto is_better = [](const Span& a, const Span& b) { return a.score > b.score; };
  std::vector<Span> best;  // a heap with the worst in front
  for (size_t s = 0; s < start.size(); ++s) {
    if (start[s] <= 0) continue;
    for (size_t e = s; e < std::min(start.size(), s + longest); ++e) {
      const Span span = {start[s] * end[e], s, e};
      if (span.score <= 0 || (best.size() == count && !is_better(span, best.front()))) continue;
      if (best.size() == count) {
        std::ranges::pop_heap(best, is_better);
        best.pop_back();
      }
      best.push_back(span);
      std::ranges::push_heap(best, is_better);
    }
  }
  std::ranges::sort_heap(best, is_better);
  return best;
}

struct CodeRange {
  int32_t begin, end;
};

/// Of each token of the window its place in the context: that of its whole word, as far as it is in
/// the window, if so wanted.
std::vector<CodeRange> places_of(const tokenize::Encoding& window, bool align_to_words) {
  std::unordered_map<int32_t, CodeRange> words;
  for (const auto& [token, type, sequence] : window.items) {
    if (!align_to_words || sequence != 1) continue;
    auto& [begin, end] =
        words.try_emplace(token.word, CodeRange{token.begin, token.end}).first->second;
    begin = std::min(begin, token.begin);
    end = std::max(end, token.end);
  }
  std::vector<CodeRange> places;
  places.reserve(window.items.size());
  for (const auto& [token, type, sequence] : window.items) {
    CodeRange place = {token.begin, token.end};
    if (const auto word = words.find(token.word); word != words.end()) {
      place.begin = std::min(place.begin, word->second.begin);
      place.end = std::max(place.end, word->second.end);
    }
    places.push_back(place);
  }
  return places;
}

std::u32string lower_case(std::u32string_view text) {
  std::u32string out;
  for (const char32_t code : text) tokenize::append_lower(out, code);
  return out;
}

/// Answers so far; one that is there already, in whatever case, grows by the score.
class Collected {
 public:
  explicit Collected(std::string_view context) : context_(tokenize::decode_utf8(context)) {}

  void add(double score, CodeRange place) {
    const auto begin = static_cast<size_t>(place.begin);
    const std::u32string_view text =
        std::u32string_view(context_).substr(begin, static_cast<size_t>(place.end) - begin);
    const auto [at, is_new] = places_.try_emplace(lower_case(text), answers.size());
    if (!is_new) {
      answers[at->second].score += score;
      return;
    }
    answers.push_back({score, place.begin, place.end, tokenize::encode_utf8(text)});
  }

  std::vector<Answer> answers;

 private:
  std::u32string context_;
  std::unordered_map<std::u32string, size_t> places_;  // of the lower-case text in `answers`
};

}  // namespace

Result<std::vector<tokenize::Encoding>> question_windows(const Model& model,
                                                         std::string_view question,
                                                         std::string_view context,
                                                         const QuestionOptions& options) {
  if (is_blank(question)) return wrong("question: must not be empty");
  if (is_blank(context)) return wrong("context: must not be empty");
  const auto& tokenizer = model.tokenizer();
  const auto longest = static_cast<int>(model.longest());
  const int sequence = options.max_sequence.value_or(std::min(longest, kUsualSequence));
  if (sequence < 1 || sequence > longest) {
    return wrong(fmt::format("max_seq_len: {} must be from 1 to {}", sequence, longest));
  }
  const auto asked = tokenizer.tokenize(question), read = tokenizer.tokenize(context);
  const auto taken = static_cast<int>(asked.size() + tokenizer.specials_of_pair());
  if (taken == 0 && read.empty()) return wrong("question: it and the context have no tokens");
  const int room = sequence - taken;
  if (room < 1) {
    return wrong(
        fmt::format("question: its {} tokens leave no room for the context in a window of "
                    "{}: shorten it",
                    asked.size(), sequence));
  }
  int stride = options.stride.value_or(std::min(sequence / 2, kUsualStride));
  if (options.stride && (stride < 0 || stride >= room)) {
    return wrong(
        fmt::format("doc_stride: {} must be from 0 to {}, less than the window has room "
                    "for beside the question",
                    stride, room - 1));
  }
  if (stride >= room) stride = room / 2;
  const auto size = static_cast<size_t>(room), step = static_cast<size_t>(room - stride);
  const size_t count = read.size() <= size ? 1 : (read.size() - size + step - 1) / step + 1;
  if (count > kMostWindows) {
    return wrong(fmt::format("context: its {} tokens make {} windows, more than {}: split it",
                             read.size(), count, kMostWindows));
  }
  // Of a window at most as many as it has spans.
  const size_t of_each = std::min(static_cast<size_t>(options.top_k),
                                  size * static_cast<size_t>(options.max_answer_tokens));
  if (count * of_each > kMostCandidates) {
    return wrong(
        fmt::format("top_k: {} of each of {} windows are more than {} answers to compare: "
                    "ask for fewer, or split the context",
                    of_each, count, kMostCandidates));
  }
  std::vector<tokenize::Encoding> windows;
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * step;
    windows.push_back(tokenizer.assemble_pair(
        asked, std::span(read).subspan(begin, std::min(size, read.size() - begin))));
  }
  return windows;
}

std::vector<SpanLogits> question_logits(const Model& model,
                                        const std::vector<tokenize::Encoding>& windows) {
  std::vector<SpanLogits> logits(windows.size());
  model.run(windows, [&](size_t index, const Hidden& hidden, size_t row) {
    const size_t tokens = hidden.first[row + 1] - hidden.first[row];
    std::vector<float> both(2 * tokens);
    model.encoder().apply(model.head().out, {hidden.row(row, 0).data(), tokens * hidden.columns},
                          both);
    for (size_t i = 0; i < tokens; ++i) {
      logits[index].start.push_back(both[2 * i]);
      logits[index].end.push_back(both[2 * i + 1]);
    }
  });
  return logits;
}

std::vector<Answer> choose_answers(const std::vector<tokenize::Encoding>& windows,
                                   const std::vector<SpanLogits>& logits, std::string_view context,
                                   const QuestionOptions& options) {
  Collected collected(context);
  double least_null = 1'000'000;
  for (size_t w = 0; w < windows.size(); ++w) {
    const auto& items = windows[w].items;
    // The first token stands for "no answer here"; its kind takes part in the probabilities.
    std::vector<bool> may(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
      may[i] = items[i].sequence == 1 || items[i].token.id == items[0].token.id;
    }
    auto start = probabilities(logits[w].start, may), end = probabilities(logits[w].end, may);
    least_null = std::min(least_null, start[0] * end[0]);
    // No answer begins or ends outside of the context, though its first token may be written in the
    // question and then has its probability.
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].sequence != 1) start[i] = end[i] = 0;
    }
    const auto places = places_of(windows[w], options.align_to_words);
    for (const Span& span : best_spans(start, end, static_cast<size_t>(options.top_k),
                                       static_cast<size_t>(options.max_answer_tokens))) {
      collected.add(span.score, {places[span.start].begin, places[span.end].end});
    }
  }
  std::vector<Answer> answers = std::move(collected.answers);
  if (options.may_be_impossible) answers.push_back({least_null, 0, 0, ""});
  std::ranges::stable_sort(answers, std::greater<>(), &Answer::score);
  if (answers.size() > static_cast<size_t>(options.top_k)) {
    answers.resize(static_cast<size_t>(options.top_k));
  }
  return answers;
}

Result<std::vector<Answer>> answer_question(const Model& model, std::string_view question,
                                            std::string_view context,
                                            const QuestionOptions& options) {
  ASSIGN_OR_RETURN(const auto windows, question_windows(model, question, context, options));
  return choose_answers(windows, question_logits(model, windows), context, options);
}

}  // namespace thaw::encoder
