// Service: what each method of Pub/Sub does, whatever brought the call: the REST API and gRPC both
// end here.
//
// Methods and the fields of their requests are those of google/pubsub/v1/pubsub.proto; requests and
// answers have their JSON form. Those that carry messages or acknowledgements can also be called
// without JSON in between. What Thaw has not (schemas) is kUnimplemented with a word.
//
// **Thread**: the loop's. **Owner**: the bus outlives it. **Limits**: the bus's; a page of a list
// has at most 1000 entries, a pull at most 1000 messages, and it waits at most 90 s.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "messaging/bus.h"

namespace thaw::pubsub_api {

struct Fault {
  Fault(Error e) : error(std::move(e)) {}  // NOLINT(google-explicit-constructor): as Result
  Error error;
  std::vector<std::string> ack_ids;  // that had no effect, with exactly-once delivery

  /// `details` of its google.rpc.Status: an array, empty where there is nothing to add.
  Json details() const;
};

template <class T>
using Answer = tl::expected<T, Fault>;

class Service {
 public:
  static constexpr Duration kLongestPull = seconds(90);
  static constexpr size_t kMostPulled = 1000;

  explicit Service(messaging::Bus& bus) : bus_(bus) {}
  messaging::Bus& bus() { return bus_; }

  /// Whether there is such a method: "Publisher.CreateTopic".
  static bool knows(std::string_view method);
  struct Context {
    Duration longest_wait = kLongestPull;  // of a pull
  };
  /// Dropping it ends a pull that waits, its answer does not come then; null: nothing waits.
  using Pending = std::shared_ptr<void>;
  using Done = std::function<void(Answer<Json> answer)>;
  /// `done` may run inside this call.
  [[nodiscard]] Pending call(std::string_view method, const Json& request, const Context& context,
                             Done done);

  /// All acknowledged, or with exactly-once delivery which of them not.
  using OnEffect = std::function<void(Answer<void> effect)>;
  void acknowledge(const std::string& subscription, const std::vector<std::string>& ack_ids,
                   OnEffect done);
  Answer<void> modify_deadline(const std::string& subscription,
                               const std::vector<std::string>& ack_ids, int64_t seconds_left);
  struct PullRequest {
    std::string subscription;
    int64_t most = 0;
    enum class Wait { kUntilThereIsOne, kNot } wait = Wait::kUntilThereIsOne;
  };
  [[nodiscard]] std::unique_ptr<messaging::Bus::PullHandle> pull(const PullRequest& request,
                                                                 const Context& context,
                                                                 messaging::Bus::OnPulled done);

 private:
  messaging::Bus& bus_;
};

/// ReceivedMessages in a PullResponse.
Json received_json(const std::vector<messaging::Received>& received);

}  // namespace thaw::pubsub_api
