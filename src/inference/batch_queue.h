// BatchQueue: which waiting requests the model works on next.
//
// A step machine without clock and I/O. When the model is free it takes at once what is there, up
// to a budget of tokens; nothing waits for others to come. Callers take turns: one that sent a
// hundred requests holds nobody up who sent one. A batch is of one model.
//
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: Options; over `longest` a request
// is refused, to be answered 429.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace thaw::inference {

class BatchQueue {
 public:
  struct Options {
    size_t longest = 512;       // requests that wait
    size_t budget = 4096;       // tokens of a batch; one request may have more
    size_t most_in_batch = 32;  // requests
  };
  struct Request {
    uint64_t id;
    std::string caller;  // who shares turns: the client's address
    size_t model;
    size_t tokens;  // estimated
  };

  BatchQueue() : BatchQueue(Options()) {}
  explicit BatchQueue(Options options) : options_(options) {}

  enum class Added { kWaits, kFull };
  Added add(Request request);
  /// It left: its caller has gone. Unknown ids are ignored.
  void remove(uint64_t id);
  /// What to work on now; empty when nothing waits. They do not wait any more.
  std::vector<uint64_t> take();
  size_t size() const { return size_; }

 private:
  struct Caller {
    std::string name;
    std::deque<Request> requests;
  };

  Options options_;
  std::list<Caller> turns_;  // those who have something, whose turn it is first
  std::unordered_map<std::string, std::list<Caller>::iterator> callers_;
  size_t size_ = 0;
};

}  // namespace thaw::inference
