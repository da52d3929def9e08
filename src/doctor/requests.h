// Requests to a program under examination: alone, together, and one that is held half sent.
//
// Thread: the loop's; each call waits. Owner: net and patience outlive it.
// Limits: 30 s for the end of what was held; bodies over 64 MiB count as no answer.
#pragma once

#include <string>
#include <vector>

#include "doctor/facts.h"
#include "doctor/patience.h"
#include "http/client.h"
#include "io/net.h"

namespace thaw::doctor {

class Requests {
 public:
  Requests(Patience& patience, io::Net& net, io::SocketAddress to, std::string path)
      : patience_(patience),
        net_(net),
        client_(net, patience.loop()),
        to_(std::move(to)),
        path_(std::move(path)) {}

  struct Answer {
    bool came = false;
    int status = 0;
    std::string error;
    Duration after{0};
  };
  /// `meanwhile` is called about every 5 ms until the answer is there.
  Answer one(const std::string& path, Duration limit, const std::function<void()>& meanwhile = {});
  Answer one(Duration limit) { return one(path_, limit); }
  std::vector<Answer> together(int count, Duration limit);

  /// Two rounds; see OverlapFacts::held. `patient`: how long an answer may take.
  OverlapFacts::Verdict hold_and_ask(Duration patient);
  /// Two rounds of four at once; `ends` are those of the last.
  OverlapFacts::Verdict time_together(Duration alone, Duration limit, std::vector<Duration>& ends);

  int sent() const { return sent_; }

 private:
  enum class Round { kOverlaps, kSerial, kUnclear };
  Round hold_round(Duration patient);

  Patience& patience_;
  io::Net& net_;
  http::Client client_;
  io::SocketAddress to_;
  std::string path_;
  int sent_ = 0;
};

/// Whether the ends of requests sent at once, sorted, are those of one after another.
bool are_staggered(const std::vector<Duration>& ends);

}  // namespace thaw::doctor
