// Thaw's own routes: what Cloud Run keeps in other products (logs, metrics, the bill) or has not at
// all (instances, waterfalls of starts).
//
// **Thread**: the loop's. **Owner**: the rooms outlive the routes. **Limits**: Followers::kMost.
#pragma once

#include <memory>
#include <vector>

#include "api/api.h"
#include "api/router.h"

namespace thaw::api {

/// Streams of log lines that are being followed.
class Followers {
 public:
  static constexpr size_t kMost = 64;
  explicit Followers(telemetry::Logs& logs);
  ~Followers();

  /// Answers `first` and then every new line that is wanted, until the client goes or end_all().
  using Wanted = std::function<bool(const telemetry::LogLine& line)>;
  void add(const ServiceId& service, const std::vector<telemetry::LogLine>& first,
           http::Responder responder, Wanted wanted = nullptr);
  void end_all();

 private:
  struct Follower;
  void remove(Follower* follower);

  telemetry::Logs& logs_;
  std::vector<std::unique_ptr<Follower>> followers_;
};

std::vector<Route> thaw_v1_routes(const io::Clock& clock, const Rooms& rooms,
                                  const ApiOptions& options, Followers& followers);

}  // namespace thaw::api
