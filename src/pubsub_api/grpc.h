// Grpc: Pub/Sub's services over gRPC, put into a router: unary calls go to calls.h, StreamingPull
// to streaming_pull.h.
//
// **Thread**: the loop's. **Owner**: service and loop outlive it, it outlives the router's use.
// **Limits**: the router's; a pull that waits is answered, maybe with nothing, half a second before
// its caller's deadline.
#pragma once

#include <map>
#include <memory>

#include "io/loop.h"
#include "pubsub_api/calls.h"
#include "rpc/router.h"

namespace thaw::pubsub_api {

class Grpc {
 public:
  Grpc(Service& service, io::Loop& loop, rpc::Router& router);
  ~Grpc();

 private:
  class Stream;
  void answer(rpc::Unary unary);
  void open(rpc::Call call);
  void drop_later(uint64_t number);
  Service::Context context_of(const rpc::Unary& unary) const;

  Service& service_;
  io::Loop& loop_;
  Calls calls_;
  std::map<uint64_t, std::unique_ptr<Stream>> streams_;
  uint64_t last_number_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace thaw::pubsub_api
