// NotificationList: a sink for tests that keeps messages in memory. **Thread**: the test's.
#pragma once

#include <vector>

#include "objects/notify.h"

namespace thaw::objects {

class NotificationList final : public NotificationSink {
 public:
  Status append(store::Database&, const Notification& notification) override {
    if (fault) all.push_back(notification);
    return fault;
  }
  void committed() override { ++commits; }

  std::vector<Notification> all;
  Status fault;  // what append() answers
  int commits = 0;
};

}  // namespace thaw::objects
