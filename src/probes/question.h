// Question: what a probe says on a connection, and whether the answer is a good one. Pure.
//
// **Thread**: any. **Owner**: a value of whoever asks; one question a connection. **Limits**: of an
// HTTP answer only the first 1 KiB is read; a health answer over gRPC is at most 4 KiB.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "serving/revision_config.h"

namespace thaw::probes {

/// How an attempt ended: an empty `why` says that it passed.
struct Verdict {
  std::string why;
  bool passed() const { return why.empty(); }
};

class Question {
 public:
  virtual ~Question() = default;
  /// Appends what is to be sent now.
  virtual void collect(std::string& out) = 0;
  /// nullopt: more of the answer is needed.
  virtual std::optional<Verdict> receive(std::string_view bytes, Instant now) = 0;
  /// The instance closed the connection: what that makes of it.
  virtual Verdict ended() = 0;
};

/// Null for a kind that asks nothing: to be connected is enough. `host`: what it is reached by,
/// "127.0.0.1:8080".
std::unique_ptr<Question> make_question(const serving::Probe& probe, const std::string& host,
                                        Instant now);

}  // namespace thaw::probes
