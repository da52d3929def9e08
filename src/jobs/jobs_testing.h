// For tests of what jobs do: an observer that writes down what it is told.
// Thread: any. Owner: values.
#pragma once

#include <string>
#include <vector>

#include "jobs/jobs.h"

namespace thaw::jobs {

class NoObserver final : public Observer {
 public:
  void on_line(const std::string&, const InstanceId&, sandbox::OutputStream,
               std::string_view) override {}
  void on_event(const std::string&, const InstanceId&, Severity,
                const std::string& message) override {
    events.push_back(message);
  }
  void on_network(const InstanceId&, const io::SocketAddress&, const std::string&) override {}
  void on_gone(const InstanceId& instance) override { gone.push_back(instance.str()); }
  void on_removed(const std::string& job) override { removed.push_back(job); }

  std::vector<std::string> events, gone, removed;
};

}  // namespace thaw::jobs
