// Headers: names and values that outlive the buffer they came in. Order is kept.
// Thread: any. Owner: value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thaw::http {

class Headers {
 public:
  struct Header {
    std::string name;
    std::string value;
  };

  Headers() = default;
  Headers(std::initializer_list<Header> headers) : headers_(headers) {}

  /// The first value, or nullopt. Names are compared without case.
  std::optional<std::string_view> find(std::string_view name) const;
  /// The first value, or "".
  std::string_view get(std::string_view name) const { return find(name).value_or(""); }
  void add(std::string name, std::string value) {
    headers_.push_back({std::move(name), std::move(value)});
  }
  /// Replaces all of that name.
  void set(std::string_view name, std::string value);
  void remove(std::string_view name);

  auto begin() const { return headers_.begin(); }
  auto end() const { return headers_.end(); }
  size_t size() const { return headers_.size(); }

 private:
  std::vector<Header> headers_;
};

}  // namespace thaw::http
