// Fields: reads the members of one JSON object of a request; the first fault is kept.
//
// Unknown members are errors that name the nearest right one. Thread: any. Owner: the Json outlives
// it. Limits: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace thaw::inference {

class Fields {
 public:
  /// `where` stands before a field's name in errors: "" or "parameters.".
  Fields(const Json& object, std::string where);

  /// Null when it is absent. Each call makes its name known.
  const Json* any(std::string_view name);
  /// Whether it is there, and null.
  bool is_null(std::string_view name) const;
  std::optional<std::string> text(std::string_view name);
  std::optional<bool> flag(std::string_view name);
  std::optional<int> whole(std::string_view name, int least, int most);
  /// The first fault, unknown members included. Call last.
  Status finish();
  void fault(std::string_view name, std::string_view what);

 private:
  const Json& object_;
  std::string where_;
  std::vector<std::string> known_;
  Status status_;
};

}  // namespace thaw::inference
