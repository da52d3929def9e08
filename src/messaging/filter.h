// Filter: which messages a subscription wants, by their attributes.
//
// The language of Pub/Sub's "Filter messages from a subscription": attributes:KEY,
// attributes.KEY = "V", != "V", hasPrefix(attributes.KEY, "V"), NOT or -, AND, OR, parentheses. AND
// and OR are not mixed without parentheses. Keys that are no word stand in quotes. != also needs
// the attribute to be there.
//
// **Thread**: any. **Owner**: values. **Limits**: 256 bytes, nesting 32.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace thaw::messaging {

using Attributes = std::vector<std::pair<std::string, std::string>>;  // keys differ

class Filter {
 public:
  static constexpr size_t kLongest = 256;

  /// Wants everything.
  Filter() = default;
  /// kInvalidArgument with the place of the first fault; "" wants everything.
  static Result<Filter> parse(std::string_view text);

  bool wants(const Attributes& attributes) const;

  struct Node;

 private:
  std::shared_ptr<const Node> root_;  // null: everything
};

}  // namespace thaw::messaging
