// LogFilter: the value of --log-filter: which lines of a log to show.
//
// The part of Cloud Logging's query language that needs no index: comparisons of a few fields and
// words to be found, all of which must hold. "severity>=WARNING AND textPayload:timeout",
// "NOT health", "httpRequest.status>=500". OR and parentheses are refused.
// Thread: any. Owner: a value. Limits: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/outcome.h"

namespace thaw::cli {

/// The severity's place in Cloud Logging's order; words that are not known count as DEFAULT.
size_t severity_rank(std::string_view severity);

class LogFilter {
 public:
  /// kUsage names the term that is wrong, and the nearest field.
  static Outcome<LogFilter> parse(std::string_view text);

  /// `line`: an entry as the API gives it.
  bool takes(const Json& line) const;

 private:
  enum class Field { kAnywhere, kSeverity, kText, kStatus, kRevision };
  enum class Operator { kHas, kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
  struct Term {
    bool negated = false;
    Field field = Field::kAnywhere;
    Operator op = Operator::kHas;
    std::string value;
    int64_t number = 0;  // of a severity or a status
  };
  static Outcome<Term> parse_term(std::string_view text);
  static bool holds(const Term& term, const Json& line);

  std::vector<Term> terms_;
};

}  // namespace thaw::cli
