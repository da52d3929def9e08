// NetworkTrap: who is called from inside an instance's network namespace, seen from outside.
//
// The namespace has only its loopback. The trap makes every address of IPv4 lead to it, reads the
// packets there, and answers name look-ups with numbers of its own (198.18.x.y), so that the
// program goes on to the connection, which nobody answers: it is refused at once.
//
// Thread: the loop's; the calling thread enters the namespace for moments. Owner: timers outlive
// it. Limits: 64 names, 64 destinations; IPv6 destinations are not seen.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "doctor/facts.h"
#include "io/timers.h"

namespace thaw::doctor {

class NetworkTrap {
 public:
  /// Before the program is executed.
  static Result<std::unique_ptr<NetworkTrap>> open(pid_t pid, io::Timers& timers);
  ~NetworkTrap();

  /// What came until now, without what the platform itself answers (the metadata server).
  std::vector<NetworkCall> calls();
  /// Names go on being answered; what is called from now on is not kept.
  void stop_counting();

 private:
  class Impl;
  explicit NetworkTrap(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The name that a DNS query asks for, and where its question ends. Empty: it is no query.
struct DnsQuestion {
  std::string name;
  int type = 0;    // 1: A
  size_t end = 0;  // of the question, from the packet's beginning
};
DnsQuestion parse_dns_question(std::string_view packet);

}  // namespace thaw::doctor
