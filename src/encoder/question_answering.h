// Extractive question answering: the spans of a context that answer a question.
//
// A context that is longer than the model is read in overlapping windows; nothing is cut off.
// Scores are as Hugging Face's pipeline gives them: start times end probability within a window,
// equal answers of several windows added up, so that a sum may exceed 1.
// Thread: as Model. Owner: values. Limits: kMostWindows windows, kMostCandidates answers;
// kInvalidArgument over it, for an empty question or context, and for a question that leaves no
// room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenize/token.h"

namespace thaw::encoder {

class Model;

inline constexpr int kUsualSequence = 384;  // tokens of a window
inline constexpr int kUsualStride = 128;    // tokens that two windows share

struct QuestionOptions {
  int top_k = 1;
  int max_answer_tokens = 15;
  std::optional<int> max_sequence;  // tokens of a window; min(model, kUsualSequence)
  std::optional<int> stride;        // min(max_sequence / 2, kUsualStride)
  bool may_be_impossible = false;   // then "" with its score is among the answers
  bool align_to_words = true;

  bool operator==(const QuestionOptions&) const = default;
};

struct Answer {
  double score = 0;
  int start = 0, end = 0;  // code points of the context
  std::string text;
};

inline constexpr size_t kMostWindows = 4096;
inline constexpr size_t kMostCandidates = 1'000'000;  // best answers of all windows together

/// The windows in which a context is read, each with the question before it.
Result<std::vector<tokenize::Encoding>> question_windows(const Model& model,
                                                         std::string_view question,
                                                         std::string_view context,
                                                         const QuestionOptions& options);

/// Start and end logits of each token of a window.
struct SpanLogits {
  std::vector<float> start, end;
};
std::vector<SpanLogits> question_logits(const Model& model,
                                        const std::vector<tokenize::Encoding>& windows);

/// The best answers, the best first; pure.
std::vector<Answer> choose_answers(const std::vector<tokenize::Encoding>& windows,
                                   const std::vector<SpanLogits>& logits, std::string_view context,
                                   const QuestionOptions& options);

Result<std::vector<Answer>> answer_question(const Model& model, std::string_view question,
                                            std::string_view context,
                                            const QuestionOptions& options);

}  // namespace thaw::encoder
