// StreamingPull: one such call, without the transport: requests in, responses out.
//
// The first request names the subscription, the deadline of leases and what the client will have
// outstanding; later ones acknowledge, move deadlines or change the stream's. Who gets which
// message: messaging/consumers.h. With exactly-once delivery the stream tells what became of each
// acknowledgement. It is closed with kUnavailable after kLongest, as Pub/Sub does, so that
// clients' connections spread anew; they open it again by themselves.
//
// **Thread**: the loop's. **Owner**: service, loop and wire outlive it. After on_end() was called
// it does nothing more. **Limits**: a response carries at most 1 MiB of messages, or one message.
#pragma once

#include <memory>
#include <string>

#include "io/loop.h"
#include "pubsub_api/codec.h"
#include "pubsub_api/service.h"

namespace thaw::pubsub_api {

class StreamingPull final : private messaging::Bus::StreamSink {
 public:
  static constexpr Duration kLongest = seconds(30 * 60);

  /// The way to the client.
  class Wire {
   public:
    using Flow = messaging::Bus::StreamSink::Flow;
    /// kWait: the client is slow; on_writable() is to be called.
    virtual Flow send(std::string response) = 0;
    /// Once, and nothing comes after it. It may destroy the StreamingPull in a later turn only.
    virtual void on_end(const Status& status) = 0;

   protected:
    ~Wire() = default;
  };

  StreamingPull(Service& service, io::Loop& loop, Wire& wire);

  void on_request(std::string_view bytes);
  void on_writable();
  /// The client sends nothing more: then it wants no more either.
  void on_half_close();

 private:
  using Flow = messaging::Bus::StreamSink::Flow;
  Flow on_messages(std::vector<messaging::Received> received) override;
  void on_end(const Error& error) override { end(error); }

  Status open(const StreamRequest& request);
  Status change(const StreamRequest& request);
  void acknowledge(const StreamRequest& request);
  void modify(const StreamRequest& request);
  StreamResponse blank() const;
  void confirm(StreamResponse response);
  void end(const Status& status);

  Service& service_;
  io::Loop& loop_;
  Wire& wire_;
  std::string subscription_;  // "": the first request did not come yet
  std::unique_ptr<messaging::Bus::StreamHandle> stream_;
  io::Timer closing_;
  enum class Phase { kOpen, kEnded } phase_ = Phase::kOpen;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace thaw::pubsub_api
