#include "spec/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "spec/node.h"

namespace thaw::spec {
namespace {

/// True when `path` is `parent` or lies below it.
bool is_within(std::string_view path, std::string_view parent) {
  if (!path.starts_with(parent)) return false;
  return path.size() == parent.size() || path[parent.size()] == '.' || path[parent.size()] == '[';
}

std::string one_line(const FieldViolation& violation, std::string_view file_name) {
  std::string line;
  if (!file_name.empty()) line += fmt::format("{}:", file_name);
  if (violation.line > 0) line += fmt::format("{}:{}:", violation.line, violation.column);
  if (!line.empty()) line += ' ';
  if (!violation.path.empty()) line += violation.path + ": ";
  return line + violation.description;
}

}  // namespace

void Report::add(FieldViolation violation) {
  ++found_;
  if (kept_.size() < kMostKept) kept_.push_back(std::move(violation));
}

void Report::add(std::string_view path, const Node& at, std::string description) {
  add({std::string(path), at.line, at.column, std::move(description)});
}

bool Report::covers(std::string_view path) const {
  return std::any_of(kept_.begin(), kept_.end(), [&](const FieldViolation& violation) {
    return is_within(path, violation.path) || is_within(violation.path, path);
  });
}

std::vector<FieldViolation> Report::listed() const {
  std::vector<FieldViolation> sorted = kept_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (sorted.size() > kMostListed) sorted.resize(kMostListed);
  return sorted;
}

Error Report::error(std::string_view file_name) const {
  CHECK(!kept_.empty());
  std::string text;
  for (const FieldViolation& violation : listed()) {
    if (!text.empty()) text += '\n';
    text += one_line(violation, file_name);
  }
  if (found_ > kMostListed) text += fmt::format("\n... and {} faults more", found_ - kMostListed);
  return {Code::kInvalidArgument, std::move(text)};
}

}  // namespace thaw::spec
