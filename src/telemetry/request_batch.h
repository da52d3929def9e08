// RequestBatch: records of requests with copies of their texts, side by side in one piece of
// memory, so that keeping one costs no allocation once the batch has grown.
//
// **Thread**: any, one at a time: it is filled on the loop and read by a worker.
// **Limits**: Options; a text over kLongestText is cut.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/request_record.h"

namespace thaw::telemetry {

class RequestBatch {
 public:
  static constexpr size_t kLongestText = 16 << 10;  // bytes

  struct Limits {
    size_t records = 8192;
    size_t text = 8 << 20;  // bytes
  };

  /// False: it is full, the record is not in it.
  bool add(const RequestRecord& record, Limits limits);
  size_t size() const { return records_.size(); }
  bool empty() const { return records_.empty(); }
  /// Forgets all, and keeps the memory.
  void clear();

  /// Calls `use` with each, in the order they came; views live during the call.
  template <class Use>
  void for_each(Use use) const {
    size_t at = 0;
    for (const Kept& kept : records_) use(restore(kept, at));
  }

 private:
  static constexpr size_t kTexts = 14;
  struct Kept {
    RequestRecord record;  // its views are stale
    std::array<uint16_t, kTexts> lengths;
  };
  RequestRecord restore(const Kept& kept, size_t& at) const;

  std::string text_;
  std::vector<Kept> records_;
};

}  // namespace thaw::telemetry
