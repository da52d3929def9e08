// FieldViolation: one fault of one field. Report: the faults found while a service is read.
//
// Thread: any. Owner: values. Limits: a report keeps the first kMostKept faults and lists the
// kMostListed that come first in the text; the rest is counted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thaw::spec {

struct Node;

/// What a BadRequest of the API lists as fieldViolations.
struct FieldViolation {
  std::string path;  // spec.template.spec.containers[0].image; "" for the whole document
  int line = 0;      // from 1; 0 when there is no text
  int column = 0;
  std::string description;  // the value, what is wrong with it and what is right

  bool operator==(const FieldViolation&) const = default;
};

class Report {
 public:
  static constexpr size_t kMostKept = 200;
  static constexpr size_t kMostListed = 20;

  void add(FieldViolation violation);
  void add(std::string_view path, const Node& at, std::string description);

  bool empty() const { return kept_.empty(); }
  /// More faults are only counted: no need to word them with care.
  bool is_full() const { return kept_.size() >= kMostKept; }
  /// True when a fault of the path itself, of a parent or of a child was added before: then a rule
  /// about its value would only say again what is known.
  bool covers(std::string_view path) const;

  /// The first kMostListed faults in the order of the text.
  std::vector<FieldViolation> listed() const;
  /// kInvalidArgument, one fault a line. Precondition: not empty.
  Error error(std::string_view file_name) const;

 private:
  std::vector<FieldViolation> kept_;
  size_t found_ = 0;
};

}  // namespace thaw::spec
