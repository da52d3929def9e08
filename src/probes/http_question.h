// HttpQuestion: one GET in HTTP/1.1; its status is the answer (contract 1.2: 2xx and 3xx pass).
// **Thread**: any. Owner and limits: see question.h.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "probes/question.h"

namespace thaw::probes {

class HttpQuestion final : public Question {
 public:
  HttpQuestion(const serving::Probe& probe, const std::string& host);

  void collect(std::string& out) override { out += std::exchange(request_, {}); }
  std::optional<Verdict> receive(std::string_view bytes, Instant now) override;
  Verdict ended() override;

 private:
  std::string what_;  // "GET /ready on port 8080"
  std::string request_;
  std::string answer_;
};

}  // namespace thaw::probes
