// H2Upstreams: HTTP/2 connections to instances whose port is named h2c, each shared by requests.
//
// A request gets a stream that takes and gives HTTP/1.1 text (see h2_bridge.h).
// Thread: the loop's. Owner: the loop outlives it; it outlives the streams' last use.
// Limits: an idle connection is closed after 60 s, or when its instance is dropped; as many streams
// on one as the instance allows, then another is made.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::gateway {

class H2InstanceLink;

class H2Upstreams {
 public:
  explicit H2Upstreams(io::Loop& loop);
  ~H2Upstreams();

  /// A stream on an open connection; null when there is none that takes one more.
  std::unique_ptr<io::Stream> open(const InstanceId& instance);
  /// A stream on a connection that was just made.
  std::unique_ptr<io::Stream> adopt(const InstanceId& instance,
                                    std::unique_ptr<io::Stream> connection);
  /// Closes the idle ones: the instance is gone, or about to be frozen.
  void drop(const InstanceId& instance);

 private:
  friend class H2InstanceLink;
  void remove(H2InstanceLink& link);

  io::Loop& loop_;
  std::unordered_map<InstanceId, std::vector<std::unique_ptr<H2InstanceLink>>> links_;
};

}  // namespace thaw::gateway
