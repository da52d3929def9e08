// What an object's change tells others: the event, and the small interface that takes it.
//
// **Thread**: append() on the store's writing thread, committed() on the loop. **Owner**: the sink
// outlives the store. **Limits**: 100 configurations a bucket.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "store/database.h"

namespace thaw::objects {

/// A message for a topic, in Cloud Storage's form.
struct Notification {
  std::string topic;  // "projects/P/topics/T"
  std::map<std::string, std::string> attributes;
  std::string data;  // the object's resource as JSON, or ""
};

/// Keeps messages for their topics; messaging stands behind it, or a list in tests.
class NotificationSink {
 public:
  virtual ~NotificationSink() = default;
  /// Inside the transaction of the object's change, on its connection: what it writes is kept with
  /// the object or not at all. A topic that is gone is OK: the message is dropped. An error undoes
  /// the change.
  virtual Status append(store::Database& database, const Notification& notification) = 0;
  /// After transactions with append() were committed.
  virtual void committed() = 0;
};

}  // namespace thaw::objects
