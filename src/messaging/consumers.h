// Consumers: the streams that a subscription's messages are spread over, what each has outstanding
// and may have, and who is next. A part of SubscriptionCore, without I/O.
//
// Rules (google/pubsub/v1/pubsub.proto, StreamingPullRequest): a consumer gets nothing while it has
// as many messages, or as many bytes, outstanding as it allowed; a message is outstanding until its
// lease ends. The next messages go to the one that has the fewest outstanding, in portions, so that
// several streams share a backlog and a slow one does not hoard it.
//
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: none of its own; grant() looks at
// each consumer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace thaw::messaging {

using ConsumerId = uint64_t;  // 0: none, as of a pull

class Consumers {
 public:
  struct Limits {
    size_t messages = SIZE_MAX;
    uint64_t bytes = UINT64_MAX;
  };
  using Lane = uint32_t;  // of an ordering key

  /// The last of its kind; numbers are never used again.
  ConsumerId add(Limits limits);
  void remove(ConsumerId id);
  /// Paused: it cannot be written to at the moment.
  enum class State { kReady, kPaused };
  void set_state(ConsumerId id, State state);
  bool contains(ConsumerId id) const { return find(id) != nullptr; }

  /// How many messages more it may have; 0 of one that is not there.
  size_t room(ConsumerId id) const;
  void leased(ConsumerId id, uint64_t bytes);
  void ended(ConsumerId id, uint64_t bytes);
  size_t outstanding(ConsumerId id) const;
  /// Nobody has anything outstanding.
  void reset();

  /// Messages of an ordering key of which it has some outstanding wait for it alone.
  void hold(ConsumerId id, Lane lane);
  std::optional<Lane> held(ConsumerId id) const;
  void release(ConsumerId id, Lane lane);

  struct Grant {
    ConsumerId consumer;
    size_t most;
  };
  /// Who may take how many of the messages that wait. `dry`: those that found nothing for them.
  std::optional<Grant> grant(size_t waiting, const std::vector<ConsumerId>& dry) const;

 private:
  struct Consumer {
    ConsumerId id;
    Limits limits;
    State state = State::kReady;
    size_t messages = 0;
    uint64_t bytes = 0;
    std::set<Lane> held = {};
  };
  const Consumer* find(ConsumerId id) const;
  Consumer* find(ConsumerId id);
  static size_t room(const Consumer& consumer);

  std::vector<Consumer> all_;
  ConsumerId last_ = 0;
};

}  // namespace thaw::messaging
