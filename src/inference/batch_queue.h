// BatchQueue: which waiting requests the model works on next.
//
// A step machine without clock and I/O. When the model is free it takes at once what is there, up
// to a budget of tokens; nothing waits for others to come. Callers take turns: one that sent a
// hundred requests holds nobody up who sent one. A batch is of one model.
//
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: Options; what is over them is
// refused, to be answered 429: the newest request of the caller with the most waiting.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"

namespace thaw::inference {

class BatchQueue {
 public:
  struct Options {
    size_t longest = 512;             // requests that wait
    size_t most_bytes = 64 << 20;     // of them all; one request may have more
    Duration most_wait = seconds(5);  // as estimated; one batch, or one request, may always wait
    size_t budget = 4096;             // tokens of a batch; one request may have more
    size_t most_in_batch = 32;        // requests
  };
  struct Request {
    uint64_t id;
    std::string caller;  // who shares turns: the client's address
    size_t model;
    size_t tokens;     // that the model will work on, as estimated: its time
    size_t bytes = 0;  // its memory while it waits
  };

  BatchQueue() : BatchQueue(Options()) {}
  explicit BatchQueue(Options options) : options_(options) {}

  /// Who does not wait any more, to be refused: nobody, the request itself, or, where its caller
  /// has less waiting than another, the newest request of that other one.
  [[nodiscard]] std::optional<uint64_t> add(Request request);
  /// Whether add() would refuse the request itself, as far as its size tells: there is room if it
  /// costs what a byte of late did. A caller of whom nothing waits is taken for as cheap as it can
  /// be, `tokens`, so that it is read where a greedier one may have to give way.
  bool would_refuse_unread(const Request& request) const;
  /// Those that would wait over twice as long as any should, now that the speed is known or has
  /// fallen: they do not wait any more, to be refused. The newest of who has the most, in turn.
  [[nodiscard]] std::vector<uint64_t> overdue();
  /// It left: its caller has gone. Unknown ids are ignored.
  void remove(uint64_t id);
  /// What to work on now; empty when nothing waits. They do not wait any more.
  std::vector<uint64_t> take();
  /// The batch that was taken, of so many tokens, is over. How long it took tells how long others
  /// will wait; absent where it tells nothing: it was cut short, or ended in a fault.
  void on_worked(size_t tokens, std::optional<Duration> took);
  /// Whether more than the next batch may wait: what comes now has to wait for it.
  bool has_whole_batch() const;
  /// How long what waits now will take, after the batch that was taken, which counts whole; 0
  /// before anything was worked on.
  Duration wait() const { return wait_of(tokens_); }
  size_t size() const { return size_; }

 private:
  struct Caller {
    std::string name;
    std::deque<Request> requests;
    size_t tokens = 0;  // of them
  };
  using Turn = std::list<Caller>::iterator;

  Duration wait_of(size_t tokens) const;
  bool has_room_for(const Request& request) const;
  bool is_one_batch(size_t requests, size_t tokens) const;
  bool would_refuse(const Request& request) const;
  /// Whether the newest request of the greediest is to give way to it, when there is no room.
  bool is_fairer(const Request& request, const Caller& greediest) const;
  /// Takes it out, and its caller with its last request.
  void erase(Turn caller, std::deque<Request>::iterator request);

  Options options_;
  std::list<Caller> turns_;  // those who have something, whose turn it is first
  std::unordered_map<std::string, Turn> callers_;
  size_t size_ = 0, tokens_ = 0, bytes_ = 0;       // that wait
  size_t worked_on_ = 0;                           // tokens of the batch that was taken
  double tokens_per_s_ = 0, tokens_per_byte_ = 0;  // moving means
};

}  // namespace thaw::inference
