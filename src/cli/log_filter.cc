#include "cli/log_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/nearest.h"
#include "cli/words.h"

namespace thaw::cli {
namespace {

constexpr std::array<std::string_view, 9> kSeverities = {
    "DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"};
constexpr std::array<std::string_view, 4> kFields = {
    "severity", "textPayload", "httpRequest.status", "resource.labels.revision_name"};

Failure wrong(std::string_view term, std::string_view what) {
  return usage_failure(fmt::format("--log-filter: '{}' {}", term, what));
}

/// Terms are separated by blanks; quotes hold blanks. Nothing: one of them is open.
std::optional<std::vector<std::string_view>> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t begin = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != ' ')) continue;
    if (i > begin) terms.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  if (quoted) return std::nullopt;
  return terms;
}

/// Without its quotes, if it has any.
std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string plain;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

bool contains(std::string_view text, std::string_view word) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

}  // namespace

size_t severity_rank(std::string_view severity) {
  const auto known = std::find(kSeverities.begin(), kSeverities.end(), severity);
  return known == kSeverities.end() ? 0 : static_cast<size_t>(known - kSeverities.begin());
}

Outcome<LogFilter> LogFilter::parse(std::string_view text) {
  LogFilter filter;
  const auto terms = split_terms(text);
  if (!terms) return wrong(text, "has an open quote");
  bool negated = false;
  for (std::string_view each : *terms) {
    if (each == "AND") continue;
    if (each == "NOT") {
      negated = !negated;
      continue;
    }
    if (each == "OR" || each.front() == '(' || each.back() == ')') {
      return wrong(each,
                   "is not known here: all terms must hold, OR and parentheses are not taken");
    }
    if (each.size() > 1 && each.front() == '-') {
      negated = !negated;
      each.remove_prefix(1);
    }
    ASSIGN_OR_RETURN(Term term, parse_term(each));
    term.negated = std::exchange(negated, false);
    filter.terms_.push_back(std::move(term));
  }
  if (negated) return wrong(text, "ends with NOT: what is not to be there?");
  if (filter.terms_.empty()) return wrong(text, "has no term, such as severity>=WARNING");
  return filter;
}

Outcome<LogFilter::Term> LogFilter::parse_term(std::string_view text) {
  using enum Operator;
  static constexpr std::array<std::pair<std::string_view, Operator>, 7> kOperators = {
      {{">=", kGreaterEqual},
       {"<=", kLessEqual},
       {"!=", kNotEqual},
       {">", kGreater},
       {"<", kLess},
       {"=", kEqual},
       {":", kHas}}};
  Term term;
  const size_t at = text.find_first_of("<>=!:");
  if (text.front() == '"' || at == std::string_view::npos) {
    term.value = unquote(text);
    return term;
  }
  const auto* const op = std::find_if(kOperators.begin(), kOperators.end(), [&](const auto& each) {
    return text.substr(at).starts_with(each.first);
  });
  const std::string_view name = text.substr(0, at);
  const auto* const field = std::find(kFields.begin(), kFields.end(), name);
  if (op == kOperators.end() || field == kFields.end()) {
    const auto near = nearest(name, kFields);
    return wrong(text,
                 near ? fmt::format("names no field that is known here; did you mean '{}'?", *near)
                      : fmt::format("names no field that is known here: these are {}",
                                    fmt::join(kFields, ", ")));
  }
  term.op = op->second;
  term.field = static_cast<Field>(field - kFields.begin() + 1);
  term.value = unquote(text.substr(at + op->first.size()));
  if (term.value.empty()) return wrong(text, "compares with nothing");
  const bool is_text = term.field == Field::kText || term.field == Field::kRevision;
  if (is_text && term.op != kHas && term.op != kEqual && term.op != kNotEqual) {
    return wrong(text, "compares a text: use : (has), = or !=");
  }
  if (term.op == kHas && !is_text) term.op = kEqual;
  if (term.field == Field::kSeverity) {
    if (std::find(kSeverities.begin(), kSeverities.end(), term.value) == kSeverities.end()) {
      return wrong(text,
                   fmt::format("names no severity: these are {}", fmt::join(kSeverities, ", ")));
    }
    term.number = static_cast<int64_t>(severity_rank(term.value));
  }
  if (term.field == Field::kStatus) {
    const auto number = parse_integer(term.value);
    if (!number) return wrong(text, "must compare with a whole number, such as 500");
    term.number = *number;
  }
  return term;
}

bool LogFilter::takes(const Json& line) const {
  return std::all_of(terms_.begin(), terms_.end(),
                     [&](const Term& term) { return holds(term, line) != term.negated; });
}

bool LogFilter::holds(const Term& term, const Json& line) {
  const Json& request = line["httpRequest"];
  if (term.field == Field::kAnywhere) {
    return contains(line.string_or("message"), term.value) ||
           (line["jsonPayload"].is_object() && contains(line["jsonPayload"].dump(), term.value)) ||
           (request.is_object() && contains(request.string_or("requestUrl"), term.value));
  }
  if (term.field == Field::kText || term.field == Field::kRevision) {
    const std::string text = line.string_or(term.field == Field::kText ? "message" : "revision");
    if (term.op == Operator::kHas) return contains(text, term.value);
    return (text == term.value) == (term.op == Operator::kEqual);
  }
  if (term.field == Field::kStatus && !request.is_object()) return false;
  const int64_t number =
      term.field == Field::kStatus
          ? request.int_or("status", 0)
          : static_cast<int64_t>(severity_rank(line.string_or("severity", "DEFAULT")));
  switch (term.op) {
    case Operator::kHas:
    case Operator::kEqual:
      return number == term.number;
    case Operator::kNotEqual:
      return number != term.number;
    case Operator::kLess:
      return number < term.number;
    case Operator::kLessEqual:
      return number <= term.number;
    case Operator::kGreater:
      return number > term.number;
    case Operator::kGreaterEqual:
      break;
  }
  return number >= term.number;
}

}  // namespace thaw::cli
